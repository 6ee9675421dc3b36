import { dollars } from '../shell/money.ts'
import { costs, grouping, groupings, loadCosts, timeZone, type CostRow, type Grouping } from './figures.ts'
import { Panel } from './panel.tsx'

/** What model calls have cost today, grouped as the person chooses; the dearest group first, hours and days in their order. */
export function Costs() {
  return (
    <Panel
      title={`Costs, today (${timeZone})`}
      rows={costs}
      nothing="No model was called today."
      controls={
        <label class="small quiet">
          by{' '}
          <select
            value={grouping.value}
            onChange={({ currentTarget: { value } }) => {
              const chosen = groupings.find((one) => one === value)
              if (chosen) void loadCosts(chosen)
            }}
          >
            {groupings.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      }
    >
      {(rows) => <Table rows={inOrder(rows, grouping.value)} by={grouping.value} />}
    </Panel>
  )
}

function Table({ rows, by }: { rows: readonly CostRow[]; by: Grouping }) {
  const total = rows.reduce((sum, { costMicros }) => sum + costMicros, 0)
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="table of costs">
      <table>
        <thead>
          <tr>
            <th scope="col">{by}</th>
            <th scope="col">cost</th>
            <th scope="col">share</th>
            <th scope="col">calls</th>
            <th scope="col">tokens</th>
            <th scope="col">events, from and to</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[by] ?? ''}>
              <th scope="row">{row[by] ?? 'none'}</th>
              <td>{dollars(row.costMicros)}</td>
              <td>{total === 0 ? '–' : `${((row.costMicros / total) * 100).toFixed(0)} %`}</td>
              <td>{row.calls.toLocaleString('en')}</td>
              <td>
                {row.promptTokens.toLocaleString('en')} + {row.completionTokens.toLocaleString('en')}
              </td>
              <td class="position">
                {row.positions.first} … {row.positions.last}
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">total</th>
            <td>{dollars(total)}</td>
            <td colSpan={4} />
          </tr>
        </tfoot>
      </table>
    </div>
  )
}

const inOrder = (rows: readonly CostRow[], by: Grouping): readonly CostRow[] =>
  by === 'hour' || by === 'day' ? rows : rows.toSorted((a, b) => b.costMicros - a.costMicros)
