import { z } from 'zod'
import { bountyStream } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { bounty } from '../aggregates/bounty.ts'
import { defineCommand } from '../decider.ts'
import { maxAttempts } from '../paid-calls.ts'
import { refused } from '../refusals.ts'
import { statusProblem } from './status.ts'

/**
 * Starts a worker's attempt at judging. The worker names the next attempt number, so two workers never get the same one. The first
 * attempt of a round names its election; the others go on with it.
 */
export const StartJudging = defineCommand({ bounty })({
  name: 'StartJudging',
  schema: z.strictObject({
    bountyId: Uuid7,
    attempt: z.int().positive(),
    process: z.string().min(1).max(128),
    electionId: Uuid7,
  }),
  reads: ({ bountyId }) => ({ bounty: bountyStream(bountyId) }),

  decide({ attempt, process, electionId }, states) {
    if (states.bounty.status !== 'submitted') return statusProblem(states.bounty)
    const { judging } = states.bounty
    if (judging.next !== null) return refused('judging_not_open')
    if (judging.attemptsInRound >= maxAttempts)
      return refused('attempts_exhausted', { attempts: judging.attemptsInRound })
    if (attempt !== judging.attempt + 1) return refused('attempt_superseded')
    return {
      outcome: 'accepted',
      events: {
        bounty: [
          {
            type: 'BountyJudgingStarted',
            data: { round: judging.round, attempt, process, electionId: judging.electionId ?? electionId },
          },
        ],
      },
    }
  },
})
