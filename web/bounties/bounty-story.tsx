import type { ComponentChildren } from 'preact'
import { ElectionView } from '../council/election-view.tsx'
import { Markdown } from '../markdown/markdown.tsx'
import { WhyLink } from '../money/why-link.tsx'
import { Drawer } from '../shell/drawer.tsx'
import { dollars } from '../shell/money.ts'
import { moment } from '../shell/times.ts'
import { bounties, bountyOf, verdicts, type Bounty } from './bounty-rows.ts'

/** The story of a bounty: how it was funded, the work, the judgement by the vote, and where its money went. */
export function BountyStory({ bountyId, onClose }: { bountyId: string; onClose: () => void }) {
  const loaded = bountyOf(bountyId).value
  const known =
    bounties.value.state === 'there' ? bounties.value.value.find(({ bounty }) => bounty === bountyId) : undefined
  return (
    <Drawer title={known?.title ?? 'Bounty'} onClose={onClose}>
      {loaded.state === 'loading' ? <p class="quiet">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad">{loaded.why}</p> : null}
      {loaded.state === 'there' ? <Story bounty={loaded.value} /> : null}
    </Drawer>
  )
}

function Story({ bounty }: { bounty: Bounty }) {
  const { task, criteria, work, proposedBy, proposedAt, openedBy, openedAt, worker, submittedAt, judging, escrow } =
    bounty
  return (
    <>
      <dl class="facts">
        <dt>Task</dt>
        <dd>
          <Markdown text={task} />
        </dd>
        <dt>Criteria</dt>
        <dd>
          <Markdown text={criteria} />
        </dd>
        <dt>Deadline</dt>
        <dd>{moment(bounty.deadline)}</dd>
      </dl>
      <ol class="story">
        <Step at={proposedAt} title={`Proposed by ${proposedBy}`} />
        {openedAt === null ? null : (
          <Step at={openedAt} title={`Opened by ${openedBy ?? 'someone'}`}>
            {dollars(bounty.rewardMicros + bounty.bonusMicros)} moved from the reserve to the account {escrow}.{' '}
            {escrow === null ? null : <WhyLink of={`account ${escrow}`} stream={`account/${escrow}`} />}
          </Step>
        )}
        {worker === null ? null : (
          <Step at={null} title={`Claimed by ${worker}`}>
            {submittedAt === null && bounty.claimExpiresAt !== null ? `Until ${moment(bounty.claimExpiresAt)}.` : null}
          </Step>
        )}
        {work === null ? null : (
          <Step at={submittedAt} title="Work submitted">
            <div class="work" tabIndex={0} role="region" aria-label="work">
              <Markdown text={work} />
            </div>
          </Step>
        )}
        {judging.attempts === 0 ? null : (
          <Step at={null} title={bounty.verdict === null ? 'In judgement' : `Judged: ${verdicts[bounty.verdict]}`}>
            Round {judging.round}, {judging.calls} model calls for {dollars(judging.costMicros)}.
            {judging.failedWhy === null ? null : (
              <span class="warn"> No verdict yet: {judging.failedWhy.replaceAll('_', ' ')}.</span>
            )}
            {judging.election === null ? null : <ElectionView electionId={judging.election} isBrief />}
          </Step>
        )}
        <Ending bounty={bounty} />
      </ol>
      <p class="small">
        <WhyLink of="bounty" stream={`bounty/${bounty.bounty}`} />{' '}
        <span class="quiet">Every event of this bounty.</span>
      </p>
    </>
  )
}

function Ending({ bounty: { status, endedAt, endedWhy, worker, paidMicros, refundedMicros } }: { bounty: Bounty }) {
  if (endedAt === null || refundedMicros === null) return null
  const titles = { awarded: 'Awarded', rejected: 'Rejected', expired: 'Expired', cancelled: 'Cancelled' }
  return (
    <Step at={endedAt} title={titles[status as keyof typeof titles] ?? status}>
      {endedWhy === null ? '' : `${endedWhy.replaceAll('_', ' ')}. `}
      {paidMicros > 0 ? `${dollars(paidMicros)} paid to ${worker ?? 'the worker'}, ` : ''}
      {dollars(refundedMicros)} back to the reserve.
    </Step>
  )
}

function Step({ at, title, children }: { at: string | null; title: string; children?: ComponentChildren }) {
  return (
    <li>
      <h3>
        {title} {at === null ? null : <time dateTime={at}>{moment(at)}</time>}
      </h3>
      <div class="small">{children}</div>
    </li>
  )
}
