import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

type ModalProps = {
  class: string
  /** The id of its title, or its name. */
  labelledBy?: string
  label?: string
  onClose: () => void
  children: ComponentChildren
}

/** A dialog over the page, which nothing else reaches meanwhile. Escape and a click outside close it; the focus returns to its place. */
export function Modal({ class: look, labelledBy, label, onClose, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const shown = dialog.current
    const before = document.activeElement
    shown?.showModal()
    return () => {
      shown?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={look}
      aria-labelledby={labelledBy}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => void (event.target === event.currentTarget && dialog.current?.close())}
    >
      {children}
    </dialog>
  )
}
