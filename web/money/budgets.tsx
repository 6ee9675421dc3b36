import { Meter } from '../shell/meter.tsx'
import { dollars } from '../shell/money.ts'
import type { BudgetRow } from '../shell/standing.ts'
import { budgets } from './figures.ts'
import { Panel } from './panel.tsx'

/** The budgets whose day has not ended, with their soft and hard limits. */
export function Budgets() {
  return (
    <Panel title="Budgets, today" rows={budgets} nothing="No call was charged to a budget yet.">
      {(rows) => {
        const open = rows.filter(({ closesAt }) => closesAt === null || Date.parse(closesAt) > Date.now())
        return open.length === 0 ? <p class="quiet small">No call was charged to a budget today.</p> : open.map(bar)
      }}
    </Panel>
  )
}

const bar = ({ scope, day, terms, closesAt, spentMicros, reservedMicros }: BudgetRow) => (
  <div class="bar" key={`${scope} ${day}`}>
    <span>{scope}</span>
    {terms === null ? (
      <span class="quiet">no limit</span>
    ) : (
      <Meter spentMicros={spentMicros} reservedMicros={reservedMicros} terms={terms} />
    )}
    <span class="figures">
      {dollars(spentMicros)}
      {terms === null ? '' : ` of ${dollars(terms.dailyMicros)}`}
      {reservedMicros > 0 ? <span class="quiet"> + {dollars(reservedMicros)} reserved</span> : null}
      {closesAt === null ? null : <span class="quiet ends">until {endOf(closesAt, terms?.timeZone)}</span>}
    </span>
  </div>
)

/** The instant in the zone of the budget, which it names. */
const endOf = (closesAt: string, zone = 'UTC'): string =>
  `${new Date(closesAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', timeZone: zone })} ${zone}`
