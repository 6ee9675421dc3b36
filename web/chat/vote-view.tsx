import { BallotTable } from '../council/election-view.tsx'
import { methodName } from '../council/election-rows.ts'
import { electionOf } from '../council/elections.ts'
import { nameOf } from '../shell/members.ts'
import { followLink } from '../shell/route.ts'
import type { Turn } from './answer.ts'

type Vote = NonNullable<Turn['vote']>
type Decided = Extract<Vote, { result: 'decided' }>

/** The result of the election: authors are revealed only now. Each step of the count is one click away. */
export function VoteView({ vote, turn }: { vote: Vote; turn: Turn }) {
  if (vote.result === 'failed')
    return <div class="vote">The vote failed: {vote.why.replaceAll('_', ' ')}. The answer is written without it.</div>
  const { winner, candidates, method, order, dissent, tieBreak } = vote
  const author = candidates[winner]
  const objectors = Object.entries(dissent)
  return (
    <div class="vote">
      {turn.ending === null ? null : <Ballots electionId={turn.requestId} />}
      <div>
        <p>
          <strong>
            {methodName(method)} elects {winner}
          </strong>
          , the draft of {author === undefined ? 'a member' : nameOf(author)}. Order:{' '}
          {order.map((equals) => equals.join(' = ')).join(' > ')}.
          {tieBreak
            ? ` A tie among ${tieBreak.among.join(', ')} was broken by ${tieBreak.by.replaceAll('_', ' ')}.`
            : ''}
        </p>
        <p class="quiet">
          {objectors.length === 0
            ? 'No member preferred another draft.'
            : `${objectors.map(([member, preferred]) => `${nameOf(member)} preferred ${preferred.join(', ')}`).join('; ')}.`}{' '}
          <a class="why" href={`/council/${turn.requestId}`} onClick={followLink}>
            Compare methods
          </a>
        </p>
        <Trace vote={vote} />
      </div>
    </div>
  )
}

function Trace({ vote: { trace, tally } }: { vote: Decided }) {
  return (
    <details>
      <summary>How the ballots were counted</summary>
      <ol class="trace">
        {trace.map((step, index) => (
          <li key={index}>{step}</li>
        ))}
      </ol>
      <p class="quiet">
        {Object.entries(tally)
          .map(([label, points]) => `${label} ${points}`)
          .join(' · ')}
      </p>
    </details>
  )
}

/** The ballots, once the answer has ended. */
function Ballots({ electionId }: { electionId: string }) {
  const loaded = electionOf(electionId).value
  if (loaded.state === 'failed') return <p class="bad">{loaded.why}</p>
  return loaded.state === 'there' ? (
    <div class="election">
      <BallotTable election={loaded.value} />
    </div>
  ) : null
}
