import { connectionNote } from '../chat/conversations.ts'
import { dollars } from './money.ts'
import { fault, mode, today, type BudgetRow } from './standing.ts'

/** Always visible: the mode, the spending of the day against its budget, and the connection. */
export function StatusLine() {
  const trouble = connectionNote.value ?? fault.value
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

function Today({ budget: { spentMicros, terms, closesAt } }: { budget: BudgetRow }) {
  if (terms === null)
    return (
      <span>
        Today <strong>{dollars(spentMicros)}</strong>, no limit
      </span>
    )
  const { dailyMicros, softPercent } = terms
  const share = dailyMicros === 0 ? 100 : Math.min(100, (spentMicros / dailyMicros) * 100)
  return (
    <span title={closesAt === null ? undefined : `The day ends at ${closesAt}`}>
      Today <strong>{dollars(spentMicros)}</strong>{' '}
      <svg
        class={`meter ${share >= softPercent ? 'high' : ''}`}
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect class="whole" width="100" height="8" />
        <rect class="used" width={share} height="8" />
        <rect class="mark" x={softPercent} width="1" height="8" />
      </svg>{' '}
      of {dollars(dailyMicros)}
    </span>
  )
}
