import { hueOf, nameOf } from '../shell/members.ts'
import type { MemberWork, Turn } from './answer.ts'

const states: Readonly<Record<MemberWork['state'], string>> = {
  started: 'begins',
  drafting: 'writes',
  drafted: 'draft done',
  reviewed: 'has reviewed',
  voted: 'has voted',
  failed: 'failed',
  abstained: 'abstains',
}

/** The members' drafts side by side, as they stream. After the vote each shows its label, and the winner is marked. */
export function Drafts({ members, vote }: { members: readonly MemberWork[]; vote: Turn['vote'] }) {
  const decided = vote?.result === 'decided' ? vote : null
  const labelOf = (member: string): string | undefined =>
    Object.entries(decided?.candidates ?? {}).find(([, author]) => author === member)?.[0]
  return (
    <div class="drafts">
      {members.map(({ member, state, draft, why }) => {
        const label = labelOf(member)
        const isWinner = label !== undefined && label === decided?.winner
        return (
          <section key={member} class={`draft ${hueOf(member)} ${isWinner ? 'winner' : ''}`}>
            <h3>
              {label === undefined ? '' : `${label} · `}
              {nameOf(member)}
              <span>{isWinner ? 'elected' : states[state]}</span>
            </h3>
            <div class="text" tabIndex={0} role="region" aria-label={`Draft of ${nameOf(member)}`} dir="auto">
              {draft}
              {why === null ? null : <em class="quiet"> {why.replaceAll('_', ' ')}</em>}
            </div>
          </section>
        )
      })}
    </div>
  )
}
