import type { TargetedKeyboardEvent } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Modal } from '../shell/modal.tsx'
import { allEntries, logEntries } from './all-entries.ts'
import { matching, type Entry } from './entries.ts'
import { Keys } from './keys.tsx'
import { overlay } from './overlay.ts'

/** The sheet that a key opened. */
export function Overlay() {
  const close = (): void => void (overlay.value = 'none')
  if (overlay.value === 'palette') return <Palette onClose={close} />
  return overlay.value === 'keys' ? <Keys onClose={close} /> : null
}

/** Finds pages, conversations, actions, and places in the log. The arrows move, Enter runs. */
function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const all = useMemo(allEntries, [])
  const find = (words: string): Entry[] => [...logEntries(words), ...matching(all, words)]
  const found = useMemo(() => find(query), [all, query])
  useEffect(
    () => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }),
    [at, found],
  )

  const run = (entry: Entry | undefined): void => {
    if (!entry) return
    overlay.value = 'none'
    // After the palette has closed and has given the focus back: what runs may move it.
    setTimeout(entry.run)
  }
  const key = (event: TargetedKeyboardEvent<HTMLInputElement>): void => {
    const last = found.length - 1
    if (event.key === 'ArrowDown') setAt(at >= last ? 0 : at + 1)
    else if (event.key === 'ArrowUp') setAt(at <= 0 ? Math.max(0, last) : at - 1)
    else if (event.key === 'Enter') {
      // Enter right after the last letter comes before the list is drawn anew.
      const { value } = event.currentTarget
      run(value === query ? found[at] : find(value)[0])
    } else return
    event.preventDefault()
  }
  return (
    <Modal class="palette card" label="Search and commands" onClose={onClose}>
      <input
        role="combobox"
        aria-label="Search pages, conversations, commands and the log"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-autocomplete="list"
        aria-activedescendant={found[at] ? `palette-${at}` : undefined}
        placeholder="A page, a conversation, a command; an id, a position or a stream"
        autocomplete="off"
        spellcheck={false}
        value={query}
        onInput={(event) => {
          setQuery(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={key}
      />
      <ul id="palette-list" ref={list} role="listbox" aria-label="Results">
        {found.map((entry, index) => (
          <li
            key={`${entry.kind} ${entry.id}`}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => run(entry)}
            onPointerMove={() => setAt(index)}
          >
            <span dir="auto">{entry.title}</span>
            {entry.note === '' ? null : <span class="quiet note">{entry.note}</span>}
            <span class="quiet kind">{entry.kind}</span>
          </li>
        ))}
      </ul>
      <p class="small quiet" role="status">
        {found.length === 0 ? 'Nothing is found by these words.' : `${found.length} found`}
      </p>
    </Modal>
  )
}
