import { useEffect } from 'preact/hooks'
import { connectionNote } from '../chat/conversations.ts'
import { liveFault } from '../live.ts'
import { health, loadHealth } from '../operations/state.ts'
import { Meter } from './meter.tsx'
import { dollars } from './money.ts'
import { followLink } from './route.ts'
import { mode, today, type BudgetRow } from './standing.ts'

/** Always visible: the mode, the spending of the day against its budget, the connection, and the parts that do not work well. */
export function StatusLine() {
  const trouble = liveFault.value ?? connectionNote.value
  return (
    <header class="status">
      {mode.value ? (
        <span>
          Mode <strong class="pill">{mode.value}</strong>
        </span>
      ) : null}
      {today.value ? <Today budget={today.value} /> : null}
      <span role="status" class={trouble === null ? 'live' : 'live lost'}>
        {trouble ?? 'connected'}
      </span>
      <Degraded />
    </header>
  )
}

/** The health of the parts is no read model, so it has no topic. */
const healthEveryMs = 15_000

function Degraded() {
  useEffect(() => {
    const look = (): void => void (document.visibilityState === 'visible' && loadHealth())
    look()
    const timer = setInterval(look, healthEveryMs)
    return () => clearInterval(timer)
  }, [])
  const parts = health.value.state === 'there' ? health.value.value.parts.filter(({ status }) => status !== 'pass') : []
  if (parts.length === 0) return null
  return (
    <a class="warn" href="/operations" onClick={followLink} title={parts.map(({ output }) => output).join('; ')}>
      Degraded: {parts.map(({ name }) => name).join(', ')}
    </a>
  )
}

function Today({ budget: { spentMicros, reservedMicros, terms, closesAt } }: { budget: BudgetRow }) {
  if (terms === null)
    return (
      <span>
        Today <strong>{dollars(spentMicros)}</strong>, no limit
      </span>
    )
  return (
    <span title={closesAt === null ? undefined : `The day ends at ${closesAt}`}>
      Today <strong>{dollars(spentMicros)}</strong>{' '}
      <Meter spentMicros={spentMicros} reservedMicros={reservedMicros} terms={terms} /> of {dollars(terms.dailyMicros)}
    </span>
  )
}
