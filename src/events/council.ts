import { z } from 'zod'
import { MemberId, VotingMethod } from './election.ts'
import type { EventOf } from './event.ts'
import { streamNameIn } from './identifiers.ts'

/** `council/<councilId>`: who sits on the council, and by which rules it decides. */
const text = z.string().min(1)

/** A member as it was seated. Its persona is on record, because it shapes every draft and every ballot. */
export const SeatedMember = z.strictObject({
  id: MemberId,
  name: text.max(64),
  persona: text.max(4_000),
  /** The model that the member uses; absent: the default model. */
  model: text.max(256).optional(),
  temperature: z.number().min(0).max(2),
  maxTokens: z.int().positive().max(100_000),
  /** The weight of its ballot. */
  weight: z.number().positive().max(1_000),
})
export type SeatedMember = z.infer<typeof SeatedMember>

/** SHA-256 of the council's rules and members, in hexadecimal. */
export const SeatingHash = z.string().regex(/^[0-9a-f]{64}$/)

export const councilEvents = {
  CouncilSeated: {
    version: 1,
    summary: 'The members or the rules of the council changed: `config/council.json` differs from the last seating.',
    data: z.strictObject({
      hash: SeatingHash,
      members: z.array(SeatedMember).min(1).max(9),
      chair: SeatedMember.omit({ weight: true }),
      method: VotingMethod,
      quorum: z.int().positive(),
      ownDraftAllowed: z.boolean(),
      critique: z.boolean(),
    }),
  },
} as const

export type CouncilEvent = EventOf<typeof councilEvents>

export const councilStream = (councilId: string) => streamNameIn('council').parse(`council/${councilId}`)
