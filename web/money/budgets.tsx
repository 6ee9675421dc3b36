import { Meter } from '../shell/meter.tsx'
import { minute } from '../shell/minute.ts'
import { dollars, roundDollars } from '../shell/money.ts'
import { timeIn } from '../shell/times.ts'
import { budgets, type BudgetRow } from '../shell/standing.ts'
import { recent } from './figures.ts'
import { forecastOf, forecastRule, spentBy, type Forecast } from './forecast.ts'
import { Panel } from '../shell/panel.tsx'
import { WhyLink } from './why-link.tsx'

/** The budgets whose day has not ended, with their soft and hard limits and what they will have spent at its end. */
export function Budgets() {
  return (
    <Panel
      title="Budgets, today"
      file="/v1/budgets?format=csv&limit=1000"
      rows={budgets}
      nothing="No call was charged to a budget yet."
    >
      {(rows) => {
        const open = rows.filter(({ closesAt }) => closesAt === null || Date.parse(closesAt) > minute.value)
        if (open.length === 0) return <p class="quiet small">No call was charged to a budget today.</p>
        return (
          <>
            {open.map((row) => (
              <Budget key={`${row.scope} ${row.day}`} budget={row} />
            ))}
            <p class="small quiet">{forecastRule}</p>
          </>
        )
      }}
    </Panel>
  )
}

function Budget({ budget }: { budget: BudgetRow }) {
  const { scope, day, terms, closesAt, spentMicros, reservedMicros } = budget
  const known = recent.value.state === 'there' ? spentBy(scope, recent.value.value) : null
  const forecast = known === null ? null : forecastOf(budget, known, minute.value)
  return (
    <div class="bar">
      <span class="scope" title={scope}>
        {scope}
      </span>
      {terms === null ? (
        <span class="quiet">no limit</span>
      ) : (
        <Meter
          spentMicros={spentMicros}
          reservedMicros={reservedMicros}
          forecastMicros={forecast?.totalMicros ?? 0}
          terms={terms}
        />
      )}
      <span class="figures">
        <span>
          <strong>{dollars(spentMicros)}</strong>
          {terms === null ? '' : ` of ${dollars(terms.dailyMicros)}`}{' '}
          <WhyLink of={`spending of ${scope}`} stream={`budget/${scope}/${day}`} />
        </span>
        <span class="quiet">
          {reservedMicros > 0 ? `${dollars(reservedMicros)} reserved, ` : ''}
          {terms === null ? '' : `soft limit ${dollars((terms.dailyMicros * terms.softPercent) / 100)}, `}
          {closesAt === null ? 'no end known' : `until ${timeIn(closesAt, terms?.timeZone ?? 'UTC')}`}
        </span>
        {forecast === null || closesAt === null ? null : <Outlook forecast={forecast} budget={budget} />}
      </span>
    </div>
  )
}

/** What the day will have cost, and the limit that it reaches on the way. */
function Outlook({ forecast, budget: { terms } }: { forecast: Forecast; budget: BudgetRow }) {
  const zone = terms?.timeZone ?? 'UTC'
  const { totalMicros, softAtMs, hardAtMs } = forecast
  const limit =
    hardAtMs !== null
      ? `, all of it at ${timeIn(hardAtMs, zone)}`
      : softAtMs !== null
        ? `, the soft limit at ${timeIn(softAtMs, zone)}`
        : ''
  return (
    <span class={hardAtMs !== null ? 'bad' : softAtMs !== null ? 'warn' : 'quiet'} title={forecastRule}>
      forecast {roundDollars(totalMicros)} by the end of the day{limit}
    </span>
  )
}
