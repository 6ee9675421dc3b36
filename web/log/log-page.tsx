import { useEffect, useState } from 'preact/hooks'
import { clockTime, list, loadEvents, loadMore, type LogEvent } from './events.ts'
import { EventDetail } from './event-detail.tsx'
import { FilterBar } from './filter-bar.tsx'
import { filterQuery, filters, openEvent, openPosition } from './filters.ts'
import { followLog } from './follow-log.ts'
import { SealPanel } from './seal-panel.tsx'
import { VirtualList } from './virtual-list.tsx'

/** The log: its events by filters, newest first; one of them with its causes; and whether all of it is genuine. */
export function LogPage() {
  const [isFollowing, setIsFollowing] = useState(true)
  const query = filterQuery.value
  useEffect(() => void loadEvents(query), [query])
  useEffect(() => (isFollowing ? followLog(query) : undefined), [isFollowing, query])
  const open = openPosition.value
  // A small screen shows events first; the rest unfolds.
  const [isUnfolded, setIsUnfolded] = useState(false)
  const filtering = Object.keys(filters.value).length
  return (
    <div class={`log ${open === null ? '' : 'has-event'}`}>
      <div class={`explorer ${isUnfolded ? '' : 'folded'}`}>
        <header class="log-head">
          <h1>Log</h1>
          <button
            class="link unfold"
            type="button"
            aria-expanded={isUnfolded}
            onClick={() => setIsUnfolded(!isUnfolded)}
          >
            Filters{filtering > 0 ? ` (${filtering})` : ''}, seals
          </button>
          <label class="small">
            <input
              type="checkbox"
              checked={isFollowing}
              onChange={({ currentTarget }) => setIsFollowing(currentTarget.checked)}
            />{' '}
            follow new events
          </label>
        </header>
        <SealPanel />
        <FilterBar />
        <Events open={open} />
      </div>
      {open === null ? null : <EventDetail position={open} />}
    </div>
  )
}

function Events({ open }: { open: string | null }) {
  const { events, next, state, why } = list.value
  const [seen, setSeen] = useState<string | null>(null)
  const [isAway, setIsAway] = useState(false)
  const newest = events[0]?.position ?? null
  // What was the newest event when the person scrolled away.
  useEffect(() => void (isAway || setSeen(newest)), [isAway, newest])
  const fresh =
    isAway && seen !== null
      ? Math.max(
          0,
          events.findIndex(({ position }) => position === seen),
        )
      : 0
  return (
    <>
      <p class="small quiet count" role="status">
        {state === 'failed' ? <span class="bad">{why}</span> : null}
        {state !== 'failed' && events.length > 0
          ? `${events.length.toLocaleString('en')}${next === null ? '' : ' newest'} events`
          : null}
        {state === 'loading' ? ' Loading…' : null}
        {state === 'there' && events.length === 0 ? 'No event matches.' : null}
        {fresh > 0 ? (
          <button class="link" type="button" onClick={() => document.querySelector('.rows')?.scrollTo({ top: 0 })}>
            {fresh} new
          </button>
        ) : null}
      </p>
      <VirtualList
        label="Events, the newest first"
        rows={events}
        keyOf={({ position }) => position}
        chosen={open}
        onChoose={({ position }) => openEvent(position)}
        onEnter={() => document.querySelector<HTMLElement>('#event')?.focus()}
        onEnd={() => void loadMore()}
        onAway={setIsAway}
      >
        {(event) => <Row {...event} />}
      </VirtualList>
    </>
  )
}

const Row = ({ type, stream, revision, metadata: { occurredAt, actor } }: LogEvent) => (
  <>
    <time dateTime={occurredAt}>{clockTime(occurredAt)}</time>
    <span class="type">{type}</span>
    <span class="stream">
      {stream}
      <span class="quiet">@{revision}</span>
    </span>
    <span class="actor quiet">{actor}</span>
  </>
)
