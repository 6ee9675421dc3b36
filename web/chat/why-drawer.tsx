import { useEffect, useState } from 'preact/hooks'
import { asked, type Loaded } from '../loaded.ts'
import { council } from '../server.ts'
import { Drawer } from '../shell/drawer.tsx'
import { EventLink } from '../shell/event-link.tsx'
import { hueOf } from '../shell/members.ts'
import { dollars } from '../shell/money.ts'
import { followLink } from '../shell/route.ts'
import { isRunning, type Turn } from './answer.ts'
import { storyOf, type LogEvent, type Step, type Story } from './story.ts'

/** Why an answer is what it is: its events as a story, each with its place in the log, and the calls that make up its cost. */
export function WhyDrawer({ turn, onClose }: { turn: Turn; onClose: () => void }) {
  const { requestId, status, phases, members, ending } = turn
  const [loaded, setLoaded] = useState<Loaded<Story>>({ state: 'loading' })
  // Each step of a running answer brings new events.
  const progress = [
    status,
    ...phases.map(({ name, isOver }) => `${name}${isOver}`),
    ...members.map(({ state }) => state),
  ].join()
  useEffect(() => {
    let isCurrent = true
    void read(requestId, ending?.lastPosition ?? null).then((next) => {
      if (isCurrent) setLoaded((before) => (next.state === 'failed' && before.state === 'there' ? before : next))
    })
    return () => void (isCurrent = false)
  }, [requestId, progress])
  return (
    <Drawer title="Why this answer?" onClose={onClose}>
      {loaded.state === 'loading' ? <p class="quiet">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad">{loaded.why}</p> : null}
      {loaded.state === 'there' ? (
        <Told story={loaded.value} requestId={requestId} isRunning={isRunning(turn)} />
      ) : null}
    </Drawer>
  )
}

const read = (requestId: string, after: string | null): Promise<Loaded<Story>> =>
  asked(async () => {
    const query = { request: requestId, order: 'asc', limit: 1_000 }
    return storyOf(await Array.fromAsync(council.rows<LogEvent>('/v1/events', 'events', { query, after })))
  })

function Told({ story, requestId, isRunning: goesOn }: { story: Story; requestId: string; isRunning: boolean }) {
  return (
    <>
      <Bill story={story} />
      <ol class="story" aria-live={goesOn ? 'polite' : undefined}>
        {story.steps.map((step) => (
          <StepView key={`${step.position} ${step.title}`} step={step} />
        ))}
      </ol>
      <p class="small">
        <a href={`/log?request=${requestId}`} onClick={followLink}>
          Every event of this answer in the log
        </a>
        {goesOn ? null : (
          <>
            {' '}
            <a href={`/v1/chats/${requestId}/receipt`} download={`receipt-${requestId}.json`}>
              Receipt
            </a>
          </>
        )}
      </p>
    </>
  )
}

/** The calls, which must add up to the cost that the answer states. */
function Bill({ story: { calls, debitedMicros, billedMicros } }: { story: Story }) {
  const sum = `${calls} model ${calls === 1 ? 'call' : 'calls'} for ${dollars(debitedMicros)}`
  if (billedMicros === null) return <p class="quiet">{sum} so far.</p>
  return billedMicros === debitedMicros ? (
    <p class="quiet">{sum}: the cost of the answer.</p>
  ) : (
    <p class="bad">
      {sum}, but the answer states {dollars(billedMicros)}.
    </p>
  )
}

/** Longer texts are folded, so that the story stays a story. */
const longText = 280

function StepView({ step: { title, note, text, member, call, position, afterMs } }: { step: Step }) {
  return (
    <li class={member === null ? '' : hueOf(member)}>
      <h3>
        {title}
        <span class="at">
          {afterMs <= 0 ? '' : `+${(afterMs / 1_000).toFixed(1)} s `}
          <EventLink position={position} />
        </span>
      </h3>
      {note === '' ? null : <p>{note}</p>}
      {text === null ? null : text.length <= longText ? (
        <p class="said" dir="auto">
          {text}
        </p>
      ) : (
        <details>
          <summary dir="auto">{text.slice(0, longText)}…</summary>
          <p class="said" dir="auto">
            {text}
          </p>
        </details>
      )}
      {call === null ? null : (
        <p class="call">
          {call.ended === null
            ? `${call.model}, ${call.phase}, running`
            : `${dollars(call.costMicros)}, ${call.model}, ${call.promptTokens.toLocaleString('en')} + ${call.completionTokens.toLocaleString('en')} tokens`}{' '}
          {call.debit === null ? null : <EventLink position={call.debit} of="the debit" />}
        </p>
      )}
    </li>
  )
}
