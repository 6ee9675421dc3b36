import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

/** A dialog in front of the page. Escape closes it; the focus then returns to where it was. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} class="card" aria-labelledby={titleId} onClose={onClose}>
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  )
}

type EndProps = { fault: string | null; action: string; isBarred: boolean; onBack: () => void }

/** The end of a dialog with a form: why it could not be done, the button that does it, and the way back. */
export function DialogEnd({ fault, action, isBarred, onBack }: EndProps) {
  return (
    <>
      {fault === null ? null : (
        <p class="bad" role="alert">
          {fault}
        </p>
      )}
      <div class="decide">
        <button class="button primary" type="submit" disabled={isBarred}>
          {action}
        </button>
        <button class="button" type="button" onClick={onBack}>
          Back
        </button>
      </div>
    </>
  )
}
