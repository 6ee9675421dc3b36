import { WhyCost } from '../money/why-cost.tsx'
import { dollars } from '../shell/money.ts'
import { hueOf, liveMembers, type MemberRow } from '../shell/members.ts'
import { Panel } from '../shell/panel.tsx'

/** The members with what they have won and cost. Those that sit come first, then those that were paid besides. */
export const Members = () => (
  <Panel
    class="members"
    title="Members"
    rows={liveMembers}
    nothing="No council was seated yet."
    file="/v1/members?format=csv&limit=1000"
  >
    {(rows) => <Table rows={rows} />}
  </Panel>
)

const rankOf = ({ seat, name }: MemberRow): number =>
  seat === 'member' ? 0 : seat === 'chair' ? 1 : name === null ? 3 : 2

function Table({ rows }: { rows: readonly MemberRow[] }) {
  const ordered = rows.toSorted((a, b) => rankOf(a) - rankOf(b) || b.wins - a.wins)
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="table of members">
      <table>
        <thead>
          <tr>
            <th scope="col">member</th>
            <th scope="col">elections</th>
            <th scope="col">wins</th>
            <th scope="col" title="The mean place of its drafts; 1 is the best">
              mean rank
            </th>
            <th scope="col" title="The share of its ballots that did not put the winner first">
              dissent
            </th>
            <th scope="col">abstained</th>
            <th scope="col">a draft takes</th>
            <th scope="col">calls</th>
            <th scope="col">cost</th>
            <th scope="col">cost per win</th>
          </tr>
        </thead>
        <tbody>
          {ordered.map((row) => (
            <Member key={row.member} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Member({ row }: { row: MemberRow }) {
  const { member, name, persona, model, weight, seat, agreement, meanRank, meanDraftMs, costPerWinMicros } = row
  const about = [
    seat === 'chair' ? 'chair' : seat === null && name !== null ? 'does not sit now' : null,
    name === null ? 'answers on the fast path, and what the council asks for itself' : null,
    weight !== null && weight !== 1 ? `weight ${weight}` : null,
    model,
  ].filter((part) => part !== null)
  return (
    <tr>
      <th scope="row" class="who">
        <span class={`swatch ${hueOf(member)}`}>{name ?? member}</span>{' '}
        {about.length === 0 ? null : <span class="quiet">{about.join(', ')}</span>}
        {persona === null ? null : (
          <p class="quiet" dir="auto">
            {persona}
          </p>
        )}
      </th>
      <td>{row.elections || '–'}</td>
      <td>{row.elections === 0 ? '–' : row.wins}</td>
      <td>{meanRank === null ? '–' : meanRank.toFixed(2)}</td>
      <td>{agreement === null ? '–' : `${Math.round((1 - agreement) * 100)} %`}</td>
      <td>{row.elections === 0 ? '–' : row.abstentions}</td>
      <td>{meanDraftMs === null ? '–' : `${(meanDraftMs / 1_000).toFixed(1)} s`}</td>
      <td>{row.calls.toLocaleString('en')}</td>
      <td>
        {dollars(row.costMicros)}{' '}
        {row.calls === 0 ? null : <WhyCost by="member" name={member} costMicros={row.costMicros} span={null} />}
      </td>
      <td>{costPerWinMicros === null ? '–' : dollars(costPerWinMicros)}</td>
    </tr>
  )
}
