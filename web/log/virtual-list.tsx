import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

type VirtualListProps<Row> = {
  label: string
  rows: readonly Row[]
  keyOf: (row: Row) => string
  /** The key of the chosen row; null: none is. */
  chosen: string | null
  onChoose: (row: Row) => void
  /** Enter on the chosen row. */
  onEnter: () => void
  /** The end of the list is near. */
  onEnd: () => void
  /** Whether the person has scrolled away from the first row. */
  onAway: (isAway: boolean) => void
  children: (row: Row) => ComponentChildren
}

/** Rows beyond both ends of the part in view, so that scrolling shows no gap. */
const spare = 12
const wideRowPx = 30
const narrowRowPx = 46

/**
 * A list of any length that draws only the rows in view. Arrows, J and K, Page Up and Page Down, Home and End move the choice; the focus
 * stays on the list.
 */
export function VirtualList<Row>({ rows, keyOf, chosen, children, ...list }: VirtualListProps<Row>) {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600, rowPx: wideRowPx })
  const { top, height, rowPx } = view
  useEffect(() => {
    const shown = box.current
    if (!shown) return
    const measure = (): void => {
      const rowHeight = shown.clientWidth < 560 ? narrowRowPx : wideRowPx
      setView({ top: shown.scrollTop, height: shown.clientHeight, rowPx: rowHeight })
      list.onAway(shown.scrollTop > rowHeight)
      if (shown.scrollHeight - shown.scrollTop - shown.clientHeight < 20 * rowHeight) list.onEnd()
    }
    const resized = new ResizeObserver(measure)
    resized.observe(shown)
    shown.addEventListener('scroll', measure, { passive: true })
    return () => {
      resized.disconnect()
      shown.removeEventListener('scroll', measure)
    }
  }, [])

  const at = chosen === null ? -1 : rows.findIndex((row) => keyOf(row) === chosen)
  const choose = (index: number): void => {
    const to = Math.min(rows.length - 1, Math.max(0, index))
    const row = rows[to]
    const shown = box.current
    if (!row || !shown) return
    if (to * rowPx < shown.scrollTop) shown.scrollTop = to * rowPx
    else if ((to + 1) * rowPx > shown.scrollTop + shown.clientHeight)
      shown.scrollTop = (to + 1) * rowPx - shown.clientHeight
    list.onChoose(row)
  }
  const key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor(height / rowPx) - 1)
    const steps: Record<string, number> = {
      ...{ ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 },
      ...{ PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 },
    }
    const to = steps[event.key]
    if (to !== undefined) choose(to)
    else if (event.key === 'Enter' && at >= 0) list.onEnter()
    else return
    event.preventDefault()
  }

  const first = Math.max(0, Math.floor(top / rowPx) - spare)
  const last = Math.min(rows.length, Math.ceil((top + height) / rowPx) + spare)
  return (
    <div
      ref={box}
      class="rows"
      role="listbox"
      tabIndex={0}
      aria-label={list.label}
      aria-activedescendant={at >= first && at < last ? `row-${at}` : undefined}
      onKeyDown={key}
    >
      <div class="whole" role="presentation" style={{ height: `${rows.length * rowPx}px` }}>
        {rows.slice(first, last).map((row, index) => (
          <div
            key={keyOf(row)}
            id={`row-${first + index}`}
            class="row"
            role="option"
            aria-selected={first + index === at}
            aria-posinset={first + index + 1}
            aria-setsize={rows.length}
            style={{ top: `${(first + index) * rowPx}px`, height: `${rowPx}px` }}
            onClick={() => list.onChoose(row)}
          >
            {children(row)}
          </div>
        ))}
      </div>
    </div>
  )
}
