import { createHash } from 'node:crypto'
import { z } from 'zod'
import { SeatedMember } from '../../events/council.ts'
import { VotingMethod } from '../../events/election.ts'
import { certainEnough } from './triage/triage.ts'
import { needsAllCandidates } from '../../gedi/decide.ts'

/** The limits of a phase start at the phase, and hold for all members together. */
const phaseLimit = z.int().min(100).max(800_000)

const Chair = z.strictObject({
  ...SeatedMember.omit({ weight: true }).shape,
  id: SeatedMember.shape.id.default('chair'),
  temperature: SeatedMember.shape.temperature.default(0),
  maxTokens: SeatedMember.shape.maxTokens.default(512),
})

/** The content of `config/council.json`. docs/council.md explains every field. */
const CouncilFile = z.strictObject({
  members: z
    .array(
      z.strictObject({
        ...SeatedMember.shape,
        temperature: SeatedMember.shape.temperature.default(0.7),
        maxTokens: SeatedMember.shape.maxTokens.default(256),
        weight: SeatedMember.shape.weight.default(1),
      }),
    )
    .min(1)
    .max(9),
  chair: Chair,
  method: VotingMethod.default('ranked_pairs'),
  /** The fewest drafts, and the fewest ballots, that make a decision; by default a majority of the members. */
  quorum: z.int().positive().optional(),
  /** Whether a member may vote for its own draft. */
  ownDraftAllowed: z.boolean().default(false),
  /** Whether members criticise the drafts before they vote. */
  critique: z.boolean().default(true),
  fastPath: z
    .strictObject({ persona: z.string().min(1).max(4_000) })
    .default({ persona: 'You are a helpful AI assistant.' }),
  timeLimits: z
    .strictObject({
      triageMs: phaseLimit.default(15_000),
      draftMs: phaseLimit.default(120_000),
      critiqueMs: phaseLimit.default(60_000),
      voteMs: phaseLimit.default(60_000),
      synthesizeMs: phaseLimit.default(180_000),
    })
    .prefault({}),
  routing: z
    .strictObject({
      /** Below this confidence of rules and classifier, a model decides the path. */
      certainEnough: z.number().min(0).max(1).default(certainEnough),
    })
    .prefault({}),
})

export type Member = z.infer<typeof SeatedMember>
export type Chair = z.infer<typeof Chair>

/** Who sits on the council, and by which rules it decides. */
export type Seating = Omit<z.infer<typeof CouncilFile>, 'quorum'> & { quorum: number; hash: string }

/** Parses the content of `config/council.json`. Throws an Error that names the field and the reason. */
export function parseSeating(content: unknown): Seating {
  const parsed = CouncilFile.safeParse(content)
  if (!parsed.success) throw new Error(`The council is wrong: ${z.prettifyError(parsed.error)}`)
  const file = parsed.data
  const { members, method, ownDraftAllowed, chair } = file
  const quorum = file.quorum ?? Math.floor(members.length / 2) + 1
  const ids = members.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice) throw new Error(`The council is wrong: two members have the id ${twice}.`)
  if (ids.includes(chair.id)) throw new Error(`The council is wrong: the chair has the id of the member ${chair.id}.`)
  if (quorum > members.length)
    throw new Error(`The council is wrong: the quorum is ${quorum}, but there are ${members.length} members.`)
  if (!ownDraftAllowed && needsAllCandidates({ method }))
    throw new Error(
      `The council is wrong: ${method} needs ballots with all drafts. Set ownDraftAllowed to true, or use ranked_pairs, schulze, minimax or approval.`,
    )
  if (method === 'informed_dictator')
    throw new Error(
      'The council is wrong: informed_dictator leaves the decision to one member; it only serves comparisons.',
    )
  const seating = { ...file, quorum }
  return { ...seating, hash: createHash('sha256').update(JSON.stringify(seating)).digest('hex') }
}
