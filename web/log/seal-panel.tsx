import { useEffect } from 'preact/hooks'
import { moment } from '../shell/times.ts'
import { EventLink } from '../shell/event-link.tsx'
import { ProgressBar } from './progress-bar.tsx'
import {
  endVerification,
  loadStanding,
  loadVerification,
  standing,
  startVerification,
  verification,
  type LogStanding,
  type Verification,
} from './standing.ts'

const runningEveryMs = 1_000
const standingEveryMs = 5_000

/** How far the log is archived and sealed, and its verification. The state of the server is no read model, so the page asks again. */
export function SealPanel() {
  const verified = verification.value
  const isRunning = verified.state === 'there' && verified.value.state === 'running'
  useEffect(() => {
    void loadStanding()
    const timer = setInterval(() => document.visibilityState === 'visible' && void loadStanding(), standingEveryMs)
    return () => clearInterval(timer)
  }, [])
  useEffect(() => {
    void loadVerification()
    if (!isRunning) return undefined
    const timer = setInterval(() => void loadVerification(), runningEveryMs)
    return () => clearInterval(timer)
  }, [isRunning])
  const known = standing.value
  return (
    <section class="seals" aria-label="Archive, seals and verification">
      {known.state === 'failed' ? <p class="quiet small">Archive and seals: {known.why}.</p> : null}
      {known.state === 'there' ? <Standing {...known.value} /> : null}
      {verified.state === 'failed' && known.state !== 'failed' ? <p class="bad small">{verified.why}</p> : null}
      {verified.state === 'there' ? <Verified {...verified.value} /> : null}
    </section>
  )
}

function Standing({ head, archive, seals: { count, newest, key } }: LogStanding) {
  const number = (value: number): string => value.toLocaleString('en')
  return (
    <p class="small facts">
      <span>
        <strong>{number(head.sequence)}</strong> events
      </span>
      <span>
        {archive === null
          ? 'nothing is archived'
          : archive.lagEvents === 0
            ? 'all archived'
            : `${number(archive.lagEvents)} not archived yet`}
      </span>
      <span>
        {newest === null ? (
          'nothing is sealed'
        ) : (
          <>
            sealed up to event {number(newest.upTo.sequence)}, {moment(newest.sealedAt)} (
            <EventLink position={newest.position} />,{' '}
            {count === 1 ? 'the only seal' : `the newest of ${number(count)} seals`})
          </>
        )}
      </span>
      {key === null ? null : (
        <span title={`SHA-256 of the public key: ${key.sha256}`}>
          key <span class="mono">{key.keyId}</span>
        </span>
      )}
    </p>
  )
}

function Verified(run: Verification) {
  const isRunning = run.state === 'running'
  return (
    <div class="verify">
      <button class="button" type="button" onClick={() => void (isRunning ? endVerification() : startVerification())}>
        {isRunning ? 'Stop verifying' : 'Verify the log'}
      </button>
      <div role="status" class="small verdict">
        <Outcome {...run} />
      </div>
    </div>
  )
}

function Outcome(run: Verification) {
  if (run.state === 'never') return <span class="quiet">not verified since this server started</span>
  if (run.state === 'running') return <ProgressBar progress={run.progress} />
  if (run.state === 'cancelled') return <span class="quiet">stopped before a verdict</span>
  if (run.verdict === null) return <span class="bad">no verdict: {run.failure?.message ?? 'it ended early'}</span>
  const { ok, faults, events, unknown } = run.verdict
  const when = run.endedAt === null ? '' : `, ${moment(run.endedAt)}`
  return (
    <>
      {ok ? (
        <span class="good">
          ✓ no fault in {events.toLocaleString('en')} events{when}
        </span>
      ) : (
        <span class="bad">
          ✗ {faults} {faults === 1 ? 'fault' : 'faults'} in {events.toLocaleString('en')} events{when}
        </span>
      )}
      {run.faults.length > 0 ? (
        <ul>
          {run.faults.map(({ code, position, message }) => (
            <li key={`${position} ${code} ${message}`}>
              <strong>{code}</strong> <EventLink position={position} /> {message}
            </li>
          ))}
        </ul>
      ) : null}
      {unknown.length > 0 ? (
        <details>
          <summary>{unknown.length === 1 ? 'an open question' : `${unknown.length} open questions`}</summary>
          <ul>
            {unknown.map((question) => (
              <li key={question}>{question}</li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  )
}
