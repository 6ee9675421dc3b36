import { useEffect, useRef } from 'preact/hooks'
import { search } from '../shell/route.ts'
import { ModeSwitch } from './mode-switch.tsx'
import { byUrgency, waiting } from './waiting.ts'
import { WaitingAction } from './waiting-action.tsx'

/** The actions that wait for a person. J and K move between them; A approves, D denies, E edits the one in focus. */
export function ApprovalsPage() {
  const list = useRef<HTMLUListElement>(null)
  const loaded = waiting.value
  const actions = loaded.state === 'there' ? byUrgency(loaded.value) : []
  useEffect(() => {
    const move = (event: KeyboardEvent): void => moveFocus(event, list.current)
    document.addEventListener('keydown', move)
    return () => document.removeEventListener('keydown', move)
  }, [])
  const hasActions = actions.length > 0
  useEffect(() => {
    if (search.value === '?next' && hasActions) list.current?.querySelector<HTMLElement>('[data-action]')?.focus()
  }, [search.value, hasActions])
  return (
    <div class="page">
      <header class="page-head">
        <h1>Approvals</h1>
        <ModeSwitch />
      </header>
      {loaded.state === 'failed' ? <p class="bad">{loaded.why}</p> : null}
      {loaded.state === 'loading' ? <p class="quiet">Loading…</p> : null}
      {loaded.state === 'there' && actions.length === 0 ? (
        <p class="quiet">
          Nothing waits for you. Actions of agents appear here when the mode or their cost asks for a person’s decision.
        </p>
      ) : null}
      <ul class="waiting" ref={list}>
        {actions.map((action) => (
          <WaitingAction key={action.approval} action={action} />
        ))}
      </ul>
      {actions.length > 0 ? (
        <p class="small quiet">
          <kbd>J</kbd> <kbd>K</kbd> move, <kbd>A</kbd> approve, <kbd>D</kbd> deny, <kbd>E</kbd> edit
        </p>
      ) : null}
    </div>
  )
}

/** J and K focus the next and the previous action, wherever the focus is. */
function moveFocus(event: KeyboardEvent, list: HTMLElement | null): void {
  const isShortcut = event.ctrlKey || event.metaKey || event.altKey
  const step = isTyping(event) || isShortcut ? 0 : event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0
  if (step === 0) return
  const cards = [...(list?.querySelectorAll<HTMLElement>('[data-action]') ?? [])]
  const at = cards.findIndex((card) => card.contains(document.activeElement))
  cards[Math.min(cards.length - 1, Math.max(0, at + step))]?.focus()
}

/** Keys are letters of a text while a field has the focus. */
const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
