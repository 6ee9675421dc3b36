import { z } from 'zod'
import { VotingMethod, type ElectionRules } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import type { Comparison } from '../../gedi/compare.ts'
import { gediErrorCodes } from '../../gedi/election.ts'
import { compareRecorded, recount, type Recorded } from '../../gedi/recount.ts'
import { selectBallots, type BallotRow } from '../../projections/ballots.ts'
import { elections, selectElection, type ElectionRow } from '../../projections/elections.ts'
import { promptsOf } from '../access/identity.ts'
import { query } from './query.ts'

const Labels = z.array(z.string())
const Counted = z.object({
  method: VotingMethod,
  counted: z.literal(true),
  winners: Labels,
  order: z.array(Labels),
  electsTheSame: z.boolean().meta({ description: 'Whether the recorded winner is among its winners.' }),
  why: z.string(),
})
const NotCounted = z.object({
  method: VotingMethod,
  counted: z.literal(false),
  code: z.enum(gediErrorCodes),
  why: z.string(),
})
const RecountBody = z
  .object({
    election: z.string(),
    method: VotingMethod,
    agrees: z.boolean().nullable().meta({ description: 'Null while the election is open.' }),
    differing: Labels.meta({ description: 'The fields in which the recorded result differs.' }),
    methods: z
      .array(z.discriminatedUnion('counted', [Counted, NotCounted]))
      .meta({
        description: 'The same ballots under every method; empty if they are no rankings, or while it is open.',
      }),
    condorcetWinner: z.string().nullable().meta({ description: 'The candidate that beats every other one in pairs.' }),
    reason: z.string().nullable().meta({ description: 'Why methods differ; null if all elect the same.' }),
  })
  .meta({ id: 'Recount' })

/** An election counted again, and under every other method. The ballots of an open one are not counted. */
export const recountQuery = query({
  path: '/v1/elections/:id/recount',
  summary: 'One election counted again, and under every method.',
  scope: 'chat:read',
  readModel: elections,
  isByAsker: true,
  fields: {},
  id: Uuid7,
  body: RecountBody,
  notFound: 'there is no such election',
  async answer(tx, _, electionId, viewer) {
    const row = await selectElection(tx, electionId, promptsOf(viewer))
    return row ? printRecount(row, await selectBallots(tx, electionId)) : null
  },
})

function printRecount(row: ElectionRow, ballots: readonly BallotRow[]): z.output<typeof RecountBody> {
  const recorded = recordedOf(row, ballots)
  const again = recount(recorded)
  const compared = again && compareRecorded(recorded)
  return {
    election: row.election_id,
    method: row.method,
    agrees: again && again.differing.length === 0,
    differing: again?.differing ?? [],
    methods: compared ? printMethods(compared, row.winner) : [],
    condorcetWinner: compared?.condorcetWinner == null ? null : String(compared.condorcetWinner),
    reason: compared?.reason ?? null,
  }
}

const printMethods = ({ methods }: Comparison, winner: string | null): z.output<typeof RecountBody>['methods'] =>
  methods.map((one) => {
    if (!one.counted) return one
    const winners = one.winners.map(String)
    const order = one.order.map((equals) => equals.map(String))
    return { ...one, winners, order, electsTheSame: winners.includes(winner ?? '') }
  })

function recordedOf(row: ElectionRow, ballots: readonly BallotRow[]): Recorded {
  const rules: ElectionRules = {
    purpose: row.purpose,
    ref: row.ref,
    candidates: row.candidates,
    electorate: row.electorate,
    ownCandidateAllowed: row.own_candidate_allowed,
    method: row.method,
    quorum: row.quorum,
    seed: row.seed,
    ...(row.dictator !== null && { dictator: row.dictator }),
  }
  const cast = ballots.flatMap(({ member, ballot }) => (ballot === null ? [] : [{ member, ballot }]))
  return { rules, ballots: cast, ending: endingOf(row) }
}

/** The event that ended it, as the row has it. */
function endingOf(row: ElectionRow): Recorded['ending'] {
  const { winners, winner, order, tally, trace, method, quorum } = row
  if (row.failed_why === 'quorum' || row.failed_why === 'dictator')
    return { type: 'ElectionFailed', data: { why: row.failed_why, ballots: row.ballots, quorum } }
  if (winners === null || winner === null || order === null || tally === null || trace === null) return undefined
  return {
    type: 'ElectionDecided',
    data: {
      method,
      winners,
      winner,
      ...(winners.length > 1 && { tieBreak: { among: winners, by: 'seed' } }),
      order,
      tally,
      trace,
      ballots: row.ballots,
      quorumMet: true,
    },
  }
}
