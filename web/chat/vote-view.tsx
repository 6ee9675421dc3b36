import { useState } from 'preact/hooks'
import { council, faultOf } from '../server.ts'
import type { Turn } from './answer.ts'

type Vote = NonNullable<Turn['vote']>
type Decided = Extract<Vote, { result: 'decided' }>
type Ballot = { member: string; ballot: unknown; abstained?: string | null }

const methodNames = (method: string): string => method.replaceAll('_', ' ')

/** The result of the election: authors are revealed only now. The ballots and each step of the count are one click away. */
export function VoteView({ vote, electionId }: { vote: Vote; electionId: string }) {
  if (vote.result === 'failed')
    return <div class="vote">The vote failed: {vote.why.replaceAll('_', ' ')}. The answer is written without it.</div>
  const { winner, candidates, method, order, dissent, tieBreak } = vote
  const objectors = Object.entries(dissent)
  return (
    <div class="vote">
      <p>
        <strong>
          {methodNames(method)} elects {winner}
        </strong>
        , the draft of {candidates[winner] ?? 'a member'}. Order:{' '}
        {order.map((equals) => equals.join(' = ')).join(' > ')}.
        {tieBreak ? ` A tie among ${tieBreak.among.join(', ')} was broken by ${tieBreak.by.replaceAll('_', ' ')}.` : ''}
      </p>
      <p class="quiet">
        {objectors.length === 0
          ? 'No member preferred another draft.'
          : objectors.map(([member, preferred]) => `${member} preferred ${preferred.join(', ')}`).join('; ')}
      </p>
      <Trace vote={vote} />
      <Ballots electionId={electionId} labels={order.flat().toSorted()} />
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

/** The ballots, fetched when they are asked for. */
function Ballots({ electionId, labels }: { electionId: string; labels: readonly string[] }) {
  const [ballots, setBallots] = useState<readonly Ballot[] | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const load = async (isOpen: boolean): Promise<void> => {
    if (!isOpen || ballots !== null) return
    try {
      const { body } = await council.read<{ ballots: Ballot[] }>(`/v1/elections/${electionId}`)
      setBallots(body.ballots)
    } catch (error) {
      setFault(faultOf(error))
    }
  }
  return (
    <details onToggle={(event) => void load(event.currentTarget.open)}>
      <summary>Ballots</summary>
      {fault === null ? null : <p class="bad">{fault}</p>}
      {ballots === null ? null : (
        <table aria-label="Ballots">
          <thead>
            <tr>
              <th scope="col">member</th>
              {labels.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ballots.map(({ member, ballot }) => (
              <tr key={member}>
                <th scope="row">{member}</th>
                {labels.map((label) => (
                  <td key={label}>{placeOf(ballot, label)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  )
}

/** The place of a label on a ballot of groups, best first; a dash where it was not judged. */
function placeOf(ballot: unknown, label: string): string {
  if (!Array.isArray(ballot)) return '–'
  const place = ballot.findIndex((group: unknown) => (Array.isArray(group) ? group.includes(label) : group === label))
  return place < 0 ? '–' : String(place + 1)
}
