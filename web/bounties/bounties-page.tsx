import { MoneyHead } from '../money/money-head.tsx'
import { minute } from '../shell/minute.ts'
import { dollars } from '../shell/money.ts'
import { followLink, goTo } from '../shell/route.ts'
import { timeLeft } from '../shell/times.ts'
import { bounties, columns, type BountyRow } from './bounty-rows.ts'
import { BountyStory } from './bounty-story.tsx'

/** Bounties as a board, a column for each state of the work. A bounty opens to its story. */
export function BountiesPage({ bountyId }: { bountyId: string | null }) {
  const loaded = bounties.value
  return (
    <div class="page full">
      <MoneyHead />
      {loaded.state === 'failed' ? <p class="bad">{loaded.why}</p> : null}
      {loaded.state === 'loading' ? <p class="quiet">Loading…</p> : null}
      {loaded.state === 'there' && loaded.value.length === 0 ? (
        <p class="quiet">
          No bounty was proposed yet. A bounty pays a worker from the reserve for work that the council judges by a
          vote.
        </p>
      ) : null}
      {loaded.state === 'there' && loaded.value.length > 0 ? <Board rows={loaded.value} /> : null}
      {bountyId === null ? null : <BountyStory bountyId={bountyId} onClose={() => goTo('/money/bounties')} />}
    </div>
  )
}

function Board({ rows }: { rows: readonly BountyRow[] }) {
  return (
    <div class="board">
      {columns.map(({ name, of, nothing }) => {
        const own = rows.filter(({ status }) => of.includes(status))
        return (
          <section key={name} aria-label={name}>
            <h2>
              {name} <span class="count">{own.length}</span>
            </h2>
            {own.length === 0 ? <p class="quiet small">{nothing}</p> : null}
            <ul>
              {own.map((row) => (
                <Card key={row.bounty} row={row} />
              ))}
            </ul>
          </section>
        )
      })}
    </div>
  )
}

function Card({ row }: { row: BountyRow }) {
  const { bounty, title, rewardMicros, bonusMicros, worker } = row
  return (
    <li>
      <a class="card bounty" href={`/money/bounties/${bounty}`} onClick={followLink}>
        <strong dir="auto">{title}</strong>
        <span>
          {dollars(rewardMicros)}
          {bonusMicros > 0 ? <span class="quiet"> + {dollars(bonusMicros)} bonus</span> : null}
        </span>
        {worker === null ? null : <span class="quiet">{worker}</span>}
        <Standing row={row} />
      </a>
    </li>
  )
}

/** What the bounty waits for, or how it ended. */
function Standing({ row }: { row: BountyRow }) {
  const { status, deadline, claimExpiresAt, judging, paidMicros, endedWhy } = row
  const left = (until: string): string => timeLeft(until, minute.value)
  switch (status) {
    case 'proposed':
    case 'open':
      return <span class="quiet">{left(deadline)} for the work</span>
    case 'claimed':
      return <span class="quiet">claim ends in {left(claimExpiresAt ?? deadline)}</span>
    case 'submitted':
      return judging.failedWhy === null ? (
        <span class="quiet">the members judge it, round {judging.round}</span>
      ) : (
        <span class="warn">
          round {judging.round} had no verdict: {judging.failedWhy.replaceAll('_', ' ')}
        </span>
      )
    case 'judged':
      return <span class="quiet">judged; the money moves next</span>
    case 'awarded':
      return <span class="good">paid {dollars(paidMicros)}</span>
    case 'rejected':
      return <span class="bad">rejected by the vote</span>
    case 'expired':
    case 'cancelled':
      return (
        <span class="quiet">
          {status}
          {endedWhy === null ? '' : `: ${endedWhy.replaceAll('_', ' ')}`}
        </span>
      )
    default:
      return status satisfies never
  }
}
