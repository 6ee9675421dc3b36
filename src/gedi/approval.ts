import type { Method } from './method.ts'
import { orderByTally } from './order.ts'
import { tallyOf } from './tally.ts'
import { wordsOf } from './words.ts'

/** Each ballot approves any number of candidates; the most approvals win. Tally: approvals. */
export const approval: Method = {
  ballots: 'approvals',
  needsAllCandidates: false,
  talliesWeight: true,
  count(profile) {
    const tally = tallyOf(profile, (approved, give) => {
      for (const candidate of approved) give(candidate, 1)
    })
    const order = orderByTally(tally)
    const { leaders, amount, figures } = wordsOf(profile)
    const most = `the most approvals, ${amount(Math.max(...tally))} of ${amount(profile.total)}`
    return { tally, order, trace: [leaders(order[0], most), `approvals: ${figures(tally)}`] }
  },
}
