import { EventLink } from '../shell/event-link.tsx'
import { dollars } from '../shell/money.ts'
import { costFile } from './cost-query.ts'
import { labelOf, type CostGroup, type Grouping } from './cost-rows.ts'
import type { Span } from './period.ts'
import { WhyCost } from './why-cost.tsx'
import { WhyLink } from './why-link.tsx'

type CostTableProps = { groups: readonly CostGroup[]; by: Grouping; span: Span; hueOfGroup: (index: number) => string }

/** The groups of a period, the dearest first, each with its share and its events. */
export function CostTable({ groups, by, span, hueOfGroup }: CostTableProps) {
  const total = groups.reduce((sum, { costMicros }) => sum + costMicros, 0)
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
            <th scope="col">first and last event</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group, index) => (
            <tr key={group.name ?? ''}>
              <th scope="row">
                <span class={`swatch ${hueOfGroup(index)}`}>{labelOf(group.name)}</span>
              </th>
              <td>
                {dollars(group.costMicros)}{' '}
                <WhyCost by={by} name={group.name} costMicros={group.costMicros} span={span} />
              </td>
              <td>{total === 0 ? '–' : `${((group.costMicros / total) * 100).toFixed(0)} %`}</td>
              <td>{group.calls.toLocaleString('en')}</td>
              <td>
                {group.promptTokens.toLocaleString('en')} + {group.completionTokens.toLocaleString('en')}
              </td>
              <td class="position">
                <EventLink position={group.positions.first} /> … <EventLink position={group.positions.last} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">total</th>
            <td>
              {dollars(total)} <WhyLink of="total cost" stream="budget/council/*" type="BudgetDebited" />
            </td>
            <td colSpan={4}>
              <a class="file" href={costFile(by, span)} download>
                CSV
              </a>
            </td>
          </tr>
        </tfoot>
      </table>
    </div>
  )
}
