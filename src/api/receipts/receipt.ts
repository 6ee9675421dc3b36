import { z } from 'zod'
import { Micros, TokenCount } from '../../events/amounts.ts'
import { canonicalJson } from '../../events/canonical-json.ts'
import { AnswerPath } from '../../events/chat.ts'
import { ballotFaults, CastableBallot, VotingMethod } from '../../events/election.ts'
import { Position, Uuid7 } from '../../events/identifiers.ts'

const Time = z.iso.datetime()
const Hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')
  .meta({ description: 'SHA-256 of the exact text in UTF-8, hexadecimal.' })

const ReceiptCall = z.strictObject({
  callId: z.string(),
  model: z.string(),
  member: z.string(),
  phase: z.string(),
  promptTokens: TokenCount,
  completionTokens: TokenCount,
  costMicros: Micros,
  position: Position,
})

const ReceiptBallot = z.union([
  z.strictObject({ member: z.string(), ballot: CastableBallot, position: Position }),
  z.strictObject({ member: z.string(), abstained: z.enum(ballotFaults), position: Position }),
])

const ReceiptVote = z.strictObject({
  electionId: Uuid7,
  method: VotingMethod,
  candidates: z.record(z.string(), z.string()).meta({ description: 'The member behind each label.' }),
  ballots: z.array(ReceiptBallot),
  winner: z.string().nullable().meta({ description: 'Null: the election ended without a result, or never ended.' }),
  order: z.array(z.array(z.string())).nullable().meta({ description: 'Groups of equals, best first.' }),
  position: Position.nullable().meta({ description: 'The end of the election; null: it never ended.' }),
})

/** The cost of an answer and its vote, each figure with the position of its event. Amounts are integer micro-dollars. */
export const Receipt = z
  .strictObject({
    version: z.literal(1),
    council: z.string(),
    requestId: Uuid7,
    asker: z.string(),
    path: AnswerPath.nullable().meta({ description: 'Null: the prompt ended before a path was chosen.' }),
    submittedAt: Time,
    endedAt: Time,
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    promptHash: Hash,
    answerHash: Hash,
    costMicros: Micros,
    calls: z.array(ReceiptCall),
    vote: ReceiptVote.nullable(),
    positions: z.strictObject({ first: Position, last: Position }),
    issuedAt: Time,
  })
  .meta({ id: 'Receipt' })
export type Receipt = z.infer<typeof Receipt>

export const SignedReceipt = z
  .strictObject({
    receipt: Receipt,
    signature: z.strictObject({
      keyId: z.string().regex(/^[0-9a-f]{16}$/, 'must be the id of a sealing key'),
      algorithm: z.literal('Ed25519'),
      value: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'must be a signature in base64'),
    }),
  })
  .meta({ id: 'SignedReceipt' })
export type SignedReceipt = z.infer<typeof SignedReceipt>

/** The signed text, in UTF-8. Its first line keeps it apart from the texts of seals, which the same key signs. */
export const receiptText = (receipt: unknown): string => `hybrid-ai-council receipt 1\n${canonicalJson(receipt)}\n`
