import { z } from 'zod'
import { ElectionRules, electionStream } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { needsAllCandidates } from '../../gedi/decide.ts'
import { election } from '../aggregates/election.ts'
import { electionReads, ElectionStep, settleElectionStep, stepAggregates } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Opens an election. Its seed is recorded before the first ballot, so it cannot be chosen by the result. */
export const OpenElection = defineCommand({ election, ...stepAggregates })({
  name: 'OpenElection',
  schema: z.strictObject({ electionId: Uuid7, ...ElectionRules.shape, step: ElectionStep.optional() }),
  reads: ({ electionId, step }) => ({ election: electionStream(electionId), ...electionReads(step) }),

  decide({ electionId, step, ...rules }, states, { now }) {
    const settled = settleElectionStep(states, step, now)
    if ('outcome' in settled) return settled
    if (states.election.status !== 'absent') return refused('election_exists')
    const fault = rulesProblem(rules)
    if (fault) return refused('election_invalid', { reason: fault })
    return {
      outcome: 'accepted',
      events: { ...settled, election: [{ type: 'ElectionOpened', data: { electionId, ...rules, openedAt: now } }] },
    }
  },
})

/** Why no election can be held by these rules. */
function rulesProblem(rules: ElectionRules): string | null {
  const { candidates, electorate, quorum, ownCandidateAllowed, method, dictator } = rules
  const members = new Set(electorate.map(({ member }) => member))
  if (new Set(candidates.map(({ label }) => label)).size < candidates.length) return 'two candidates have one label'
  if (members.size < electorate.length) return 'a member is in the electorate twice'
  if (quorum > members.size) return 'the quorum is larger than the electorate'
  if (
    needsAllCandidates(rules) &&
    !ownCandidateAllowed &&
    candidates.some(({ author }) => author && members.has(author))
  )
    return `${method} needs complete ballots, but members may not vote for their own candidates`
  if (method === 'informed_dictator' && !(dictator && members.has(dictator)))
    return 'the dictator is not in the electorate'
  return null
}
