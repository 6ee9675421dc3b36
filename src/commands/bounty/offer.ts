import { z } from 'zod'
import { BountyOffer, maxCriteriaCharacters, maxTaskCharacters, maxTitleCharacters } from '../../events/bounty.ts'
import { refused, type Refusal } from '../refusals.ts'

const maxAheadMs = 366 * 86_400_000
const defaultClaimSeconds = 86_400

/** A text of a bounty: well-formed, without white space around it. */
const text = (maxCharacters: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxCharacters)
    .refine((written) => written.isWellFormed(), 'must be well-formed')

/** The fields of a bounty that its proposer chooses. */
export const proposal = {
  title: text(maxTitleCharacters),
  task: text(maxTaskCharacters),
  criteria: text(maxCriteriaCharacters),
  ...BountyOffer.shape,
  claimSeconds: BountyOffer.shape.claimSeconds.default(defaultClaimSeconds),
}

/** Why a bounty with this offer cannot begin now; null if it can. */
export function offerProblem({ rewardMicros, bonusMicros, deadline }: BountyOffer, now: string): Refusal | null {
  if (!Number.isSafeInteger(rewardMicros + bonusMicros))
    return refused('amount_too_large', { amountMicros: rewardMicros })
  const nowMs = Date.parse(now)
  const latestMs = nowMs + maxAheadMs
  const deadlineMs = Date.parse(deadline)
  if (deadlineMs <= nowMs || deadlineMs > latestMs)
    return refused('deadline_out_of_range', { deadline, latest: new Date(latestMs).toISOString() })
  return null
}
