import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Modal } from './modal.tsx'

type DrawerProps = { title: string; onClose: () => void; children: ComponentChildren }

/** A sheet at the side, over the page. */
export function Drawer({ title, onClose, children }: DrawerProps) {
  const titleId = useId()
  return (
    <Modal class="drawer" labelledBy={titleId} onClose={onClose}>
      <div class="sheet">
        <header>
          <h2 id={titleId} dir="auto">
            {title}
          </h2>
          <button class="button" type="button" onClick={onClose}>
            Close
          </button>
        </header>
        {children}
      </div>
    </Modal>
  )
}
