import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

type DrawerProps = { title: string; onClose: () => void; children: ComponentChildren }

/** A sheet at the side over the page. Escape and a click outside close it; the focus then returns to where it was. */
export function Drawer({ title, onClose, children }: DrawerProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
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
      class="drawer"
      aria-labelledby={titleId}
      onClose={onClose}
      onClick={(event) => void (event.target === event.currentTarget && dialog.current?.close())}
    >
      <div class="sheet">
        <header>
          <h2 id={titleId} dir="auto">
            {title}
          </h2>
          <button class="button" type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
