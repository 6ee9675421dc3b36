import { useEffect, useMemo, useState } from 'preact/hooks'
import { council, faultOf } from '../server.ts'
import { changesBetween } from './changes.ts'
import { addressWith } from './filters.ts'
import { followLink } from '../shell/route.ts'
import { JsonView } from './json-view.tsx'

type State = { stream: string; revision: number; position: string; state: unknown }

/** The state of a stream after each of its events: a slider over its revisions, with what changed since the one before. */
export function TimeSlider({ stream, revision: from }: { stream: string; revision: number }) {
  const [newest, setNewest] = useState<number | null>(null)
  const [revision, setRevision] = useState(from)
  const [shown, setShown] = useState<{ now: State; before: State | null } | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  // The states that were shown already.
  const states = useMemo(() => new Map<number, Promise<State>>(), [])

  const stateAt = (at: number): Promise<State> => {
    const known = states.get(at) ?? read(stream, { revision: at })
    states.set(at, known)
    known.catch(() => states.delete(at))
    return known
  }
  useEffect(() => setRevision(from), [from])
  useEffect(() => {
    read(stream, {}).then(
      (state) => setNewest(state.revision),
      (error: unknown) => setFault(faultOf(error)),
    )
  }, [stream])
  useEffect(() => {
    let isCurrent = true
    const timer = setTimeout(() => {
      Promise.all([stateAt(revision), revision > 1 ? stateAt(revision - 1) : null]).then(
        ([now, before]) => {
          if (!isCurrent) return
          setShown({ now, before })
          setFault(null)
        },
        (error: unknown) => isCurrent && setFault(faultOf(error)),
      )
    }, pauseMs)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [revision])

  const last = Math.max(newest ?? from, from)
  return (
    <>
      <h3>State of {stream}</h3>
      <label class="slider">
        <span class="unseen">Revision</span>
        <input
          type="range"
          min={1}
          max={last}
          value={revision}
          disabled={last === 1}
          aria-valuetext={`revision ${revision} of ${last}`}
          onInput={({ currentTarget }) => setRevision(currentTarget.valueAsNumber)}
        />
        <span class="small">
          revision {revision} of {last}
        </span>
      </label>
      {fault === null ? null : <p class="bad small">{fault}</p>}
      {shown ? <Folded {...shown} /> : <p class="quiet small">Loading…</p>}
    </>
  )
}

/** A state, with marks where it differs from the one before. */
function Folded({ now, before }: { now: State; before: State | null }) {
  const changes = useMemo(() => before && changesBetween(before.state, now.state), [now, before])
  return (
    <>
      <p class="small quiet">
        After the event{' '}
        <a class="why" href={addressWith({ position: now.position })} onClick={followLink}>
          {now.position}
        </a>
        .{' '}
        {changes === null
          ? 'It is the first of the stream.'
          : changes.size === 0
            ? 'It changed nothing in the state.'
            : 'Marked: what it changed.'}
      </p>
      <div class="tree">
        <JsonView value={now.state} {...(changes && { changes })} />
      </div>
    </>
  )
}

/** While the slider moves, only the revision where it rests is asked for. */
const pauseMs = 60

const read = async (stream: string, query: { revision?: number }): Promise<State> =>
  (await council.read<State>(`/v1/states/${encodeURIComponent(stream)}`, { query })).body
