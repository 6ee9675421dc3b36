import { WhyLink } from '../money/why-link.tsx'
import { hueOf, nameOf } from '../shell/members.ts'
import { followLink } from '../shell/route.ts'
import { placeOn, sentenceOf } from './election-rows.ts'
import { electionOf, type Election } from './elections.ts'
import { RecountView } from './recount-view.tsx'

/**
 * An election: the rule's result in one sentence, the blind ballots, and each step of the count. Not brief, it is also counted again
 * under every other method.
 */
export function ElectionView({ electionId, isBrief = false }: { electionId: string; isBrief?: boolean }) {
  const loaded = electionOf(electionId).value
  if (loaded.state === 'loading') return <p class="quiet">Loading…</p>
  if (loaded.state === 'failed') return <p class="bad">{loaded.why}</p>
  const election = loaded.value
  return (
    <div class="election">
      <p>
        <strong>{sentenceOf(election)}</strong> {election.reason === null ? '' : `${election.reason}.`}{' '}
        <WhyLink of="election" stream={`election/${election.election}`} />
      </p>
      <BallotTable election={election} />
      <Notes election={election} />
      {election.trace === null ? null : (
        <details>
          <summary>How the ballots were counted</summary>
          <ol class="trace">
            {election.trace.map((step, index) => (
              <li key={index}>{step}</li>
            ))}
          </ol>
        </details>
      )}
      {isBrief ? (
        <a class="small" href={`/council/${election.election}`} onClick={followLink}>
          Count it under other methods
        </a>
      ) : (
        <RecountView election={election} />
      )}
    </div>
  )
}

/** Each member's ballot. Whose draft a label is, is shown only once the vote is over. */
export function BallotTable({ election }: { election: Election }) {
  const { candidates, ballots, method, winner, status } = election
  const isOver = status !== 'open'
  const isRanked = method !== 'range' && method !== 'approval'
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="ballots">
      <table aria-label="Ballots" class="ballots">
        <thead>
          <tr>
            <th scope="col">Ballot (blind)</th>
            {candidates.map(({ label, author, standsFor }) => (
              <th key={label} scope="col" class={label === winner ? 'elected' : ''}>
                {label}
                {isOver ? (
                  <span class={author === undefined ? '' : `swatch ${hueOf(author)}`}>
                    {author === undefined ? standsFor.replaceAll('_', ' ') : nameOf(author)}
                  </span>
                ) : null}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ballots.map(({ member, status: cast, ballot, ownLabel, abstainedWhy }) => (
            <tr key={member}>
              <th scope="row">
                <span class={`swatch ${hueOf(member)}`}>{nameOf(member)}</span>
              </th>
              {cast === 'cast' ? (
                candidates.map(({ label }) => (
                  <Place
                    key={label}
                    place={placeOn(ballot, label, method)}
                    isOwn={label === ownLabel}
                    isRanked={isRanked}
                  />
                ))
              ) : (
                <td class="quiet" colSpan={candidates.length}>
                  {cast === 'awaited' ? 'awaited' : `abstained: ${(abstainedWhy ?? '').replaceAll('_', ' ')}`}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Place({ place, isOwn, isRanked }: { place: string | null; isOwn: boolean; isRanked: boolean }) {
  if (place === null)
    return (
      <td class="quiet" aria-label={isOwn ? 'own draft' : 'not ranked'}>
        –
      </td>
    )
  return <td class={isRanked && place === '1' ? 'first' : ''}>{place}</td>
}

function Notes({ election: { order, winners, winner, quorum, tally } }: { election: Election }) {
  if (order === null) return null
  const isTied = (winners ?? []).length > 1
  return (
    <p class="small quiet">
      Order {order.map((equals) => equals.join(' = ')).join(' > ')}.
      {isTied ? ` ${(winners ?? []).join(' and ')} tie; the seed of the election takes ${winner}.` : ''}
      {tally === null
        ? ''
        : ` Tally ${Object.entries(tally)
            .map(([label, points]) => `${label} ${points}`)
            .join(', ')}.`}{' '}
      Quorum {quorum}.
    </p>
  )
}
