import { useEffect, useState } from 'preact/hooks'
import { asked, bodyOf, type Loaded } from '../loaded.ts'
import { followLink } from '../shell/route.ts'
import { CopyButton } from './copy-button.tsx'
import { clockTime, type EventSummary, type LogEvent } from './events.ts'
import { addressWith, openEvent } from './filters.ts'
import { JsonView } from './json-view.tsx'
import { TimeSlider } from './time-slider.tsx'

type Linked = { event: LogEvent } & Record<'causedBy' | 'together' | 'followed', readonly EventSummary[]>

/** An event: its place, its data, what caused it, what followed, and the state that its stream had then. */
export function EventDetail({ position }: { position: string }) {
  const [loaded, setLoaded] = useState<Loaded<Linked>>({ state: 'loading' })
  useEffect(() => {
    let isCurrent = true
    const show = (value: Loaded<Linked>): void => void (isCurrent && setLoaded(value))
    void asked(() => bodyOf<Linked>(`/v1/events/${encodeURIComponent(position)}`, {})).then(show)
    return () => void (isCurrent = false)
  }, [position])
  return (
    <section
      id="event"
      class="event"
      aria-label="Event"
      tabIndex={-1}
      onKeyDown={(event) => void (event.key === 'Escape' && closeEvent())}
    >
      <button class="link back" type="button" onClick={closeEvent}>
        ← the list
      </button>
      {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad small">{loaded.why}</p> : null}
      {loaded.state === 'there' ? <Shown {...loaded.value} /> : null}
    </section>
  )
}

function closeEvent(): void {
  openEvent(null)
  document.querySelector<HTMLElement>('.rows')?.focus()
}

function Shown({ event, causedBy, together, followed }: Linked) {
  const { position, stream, revision, type, version, data, metadata } = event
  return (
    <>
      <header>
        <h2>{type}</h2>
        <CopyButton text={() => JSON.stringify(event, null, 2)} />
      </header>
      <dl class="place">
        <dt>at</dt>
        <dd>
          {new Date(metadata.occurredAt).toLocaleDateString()} {clockTime(metadata.occurredAt)}{' '}
          <span class="quiet">{position}</span>
        </dd>
        <dt>stream</dt>
        <dd>
          <FilterLink filters={{ stream }}>{stream}</FilterLink> <span class="quiet">revision {revision}</span>
        </dd>
        <dt>by</dt>
        <dd>
          <FilterLink filters={{ actor: metadata.actor }}>{metadata.actor}</FilterLink>
        </dd>
        {metadata.requestId === undefined ? null : (
          <>
            <dt>request</dt>
            <dd>
              <FilterLink filters={{ request: metadata.requestId }}>{metadata.requestId}</FilterLink>
            </dd>
          </>
        )}
      </dl>
      <h3>
        Data <span class="quiet">version {version}</span>
      </h3>
      <div class="tree">
        <JsonView key={position} value={data} />
      </div>
      <details class="fold">
        <summary>Metadata</summary>
        <div class="tree">
          <JsonView key={position} value={metadata} />
        </div>
      </details>
      <Links title="Caused by" events={causedBy} nothing="A command of its own: no event caused it." />
      {together.length > 0 ? <Links title="Recorded with it" events={together} nothing="" /> : null}
      <Links title="Followed" events={followed} nothing="Nothing names it as its cause." />
      <TimeSlider key={stream} stream={stream} revision={revision} />
    </>
  )
}

const FilterLink = ({ filters, children }: { filters: Record<string, string>; children: string }) => (
  <a href={addressWith({ filters })} onClick={followLink} title="Show only these">
    {children}
  </a>
)

function Links({ title, events, nothing }: { title: string; events: readonly EventSummary[]; nothing: string }) {
  return (
    <>
      <h3>
        {title}{' '}
        {events.length > 0 ? <span class="quiet">{events.length >= 50 ? '50 or more' : events.length}</span> : null}
      </h3>
      {events.length === 0 ? <p class="quiet small">{nothing}</p> : null}
      <ul class="links">
        {events.map(({ position, type, stream }) => (
          <li key={position}>
            <a href={addressWith({ position })} onClick={followLink}>
              {type}
            </a>
            <span class="quiet">{stream}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
