import { count, methods } from '../../src/gedi/count.ts'
import type { MethodName } from '../../src/gedi/election.ts'
import { mallowsRanking, noisyScores, type Random } from './judges.ts'

/** What the judges of one election say, for each kind of ballot. Candidates are 0, 1, 2, …; 0 is the best. */
export type Judged = {
  candidates: readonly number[]
  ballots: Readonly<Record<'ranking' | 'approvals' | 'scores', readonly unknown[]>>
  seed: string
}

/** An approval needs at least half of the scale. */
const approvedFrom = 50

/** An election with one judge for each noise. All kinds of ballots come from the same rankings. */
export function judgedBy(noises: readonly number[], candidates: number, random: Random): Judged {
  const rankings = noises.map((noise) => mallowsRanking(candidates, noise, random))
  const scores = rankings.map((ranking) => noisyScores(ranking, random))
  return {
    candidates: Array.from({ length: candidates }, (_, candidate) => candidate),
    ballots: {
      ranking: rankings,
      approvals: scores.map((one) => [...one.keys()].filter((candidate) => (one[candidate] ?? 0) >= approvedFrom)),
      scores: scores.map((one) => Object.fromEntries(one.entries())),
    },
    seed: `election ${random()}`,
  }
}

/** Whether a method elects the best candidate; a tie is decided by lot. The informed dictator knows the truth. */
export function electsBest(method: MethodName, { candidates, ballots, seed }: Judged, random: Random): boolean {
  const election = { candidates, ballots: ballots[methods[method].ballots], seed, dictator: candidates }
  const { winners } = count(method, election)
  return winners[Math.floor(random() * winners.length)] === 0
}
