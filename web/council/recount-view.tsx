import { useMemo } from 'preact/hooks'
import { methodName, type ElectionRow } from './election-rows.ts'
import { recountOf, type Recount } from './elections.ts'

/** Whether a recount gives the recorded result, and what every other method makes of the same ballots. */
export function RecountView({ election }: { election: ElectionRow }) {
  const { election: electionId, status } = election
  const loaded = useMemo(() => recountOf(electionId), [electionId, status]).value
  if (status === 'open') return <p class="quiet small">It can be counted again when the vote is over.</p>
  if (loaded.state === 'loading') return <p class="quiet small">Counting again…</p>
  if (loaded.state === 'failed') return <p class="bad small">{loaded.why}</p>
  return <Compared recount={loaded.value} used={election.method} />
}

function Compared({
  recount: { agrees, differing, methods, condorcetWinner, reason },
  used,
}: {
  recount: Recount
  used: string
}) {
  const counted = methods.filter((one) => one.counted)
  const same = counted.filter(({ electsTheSame }) => electsTheSame).length
  return (
    <section class="recount" aria-label="Recount">
      <p>
        {agrees ? (
          <strong class="good">The recount gives the recorded result.</strong>
        ) : (
          <strong class="bad">The recount differs in {differing.join(', ')}.</strong>
        )}{' '}
        {counted.length === 0
          ? 'Its ballots are no rankings, so other methods cannot count them.'
          : `Same winner under ${same} of ${counted.length} methods that can count these ballots.`}
        {reason === null ? '' : ` Why they differ: ${reason}.`}
        {condorcetWinner === null || reason !== null ? '' : ` ${condorcetWinner} beats every other candidate in pairs.`}
      </p>
      {methods.length === 0 ? null : (
        <div class="scrolls" tabIndex={0} role="region" aria-label="other methods">
          <table>
            <thead>
              <tr>
                <th scope="col">method</th>
                <th scope="col">elects</th>
                <th scope="col">because</th>
              </tr>
            </thead>
            <tbody>
              {methods.map((one) => (
                <tr key={one.method} class={one.method === used ? 'used' : ''}>
                  <th scope="row">
                    {methodName(one.method)}
                    {one.method === used ? <span class="quiet"> (used)</span> : null}
                  </th>
                  <td class={one.counted ? (one.electsTheSame ? 'elected' : 'warn') : 'quiet'}>
                    {one.counted ? one.winners.join(' = ') : '–'}
                  </td>
                  <td class="reason">{one.why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
