import { connectionNote } from '../chat/conversations.ts'
import { Meter } from './meter.tsx'
import { dollars } from './money.ts'
import { liveFault } from '../live.ts'
import { mode, today, type BudgetRow } from './standing.ts'

/** Always visible: the mode, the spending of the day against its budget, and the connection. */
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
    </header>
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
