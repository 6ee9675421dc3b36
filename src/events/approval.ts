import { z } from 'zod'
import { maxReasonCharacters } from './account.ts'
import { Micros } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { Principal, Uuid7, type StreamName } from './identifiers.ts'
import { Mode } from './governance.ts'

/**
 * `approval/<approvalId>`: one action that may wait for a person, from the proposal to exactly one of `ApprovalGranted`, `ApprovalDenied`,
 * `ApprovalReplaced`, `ApprovalExpired`. A granted action then runs once: `ApprovalUsed`. Source: domain rules, "Governance".
 */
export const maxArgumentCharacters = 16_384

/** What can go wrong: `irreversible` cannot be undone by another command. */
export const risks = ['low', 'medium', 'high', 'irreversible'] as const
export const Risk = z.enum(risks)
export type Risk = z.infer<typeof Risk>

/** What an action may cost, in micro-dollars, and what can go wrong. */
export type Stake = { costMicros: number; risk: Risk }

/** Why an action waits. `requested`: a person asked for a second opinion. `none`: by its mode it need not wait. */
export const WaitReason = z.enum([
  'manual_mode',
  'over_threshold',
  'irreversible',
  'requested',
  'answer_held',
  'budget_exceeded',
  'none',
])
export type WaitReason = z.infer<typeof WaitReason>

/** The name of a command, or `ReleaseAnswer` or `ExceedBudget`: what a prompt waits for. */
const ActionName = z.string().min(1).max(64)
/** SHA-256 of the arguments' text in UTF-8, in hexadecimal. */
export const ArgumentsHash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal')

export const approvalEvents = {
  ApprovalRequested: {
    version: 1,
    summary:
      'An action was proposed. `exactArguments` is canonical JSON (RFC 8785): the action runs with this text, byte for byte.',
    data: z.strictObject({
      approvalId: Uuid7,
      action: ActionName,
      exactArguments: z.string().min(2).max(maxArgumentCharacters),
      argumentsHash: ArgumentsHash,
      costMicros: Micros,
      risk: Risk,
      mode: Mode,
      why: WaitReason,
      requestedBy: Principal,
      /** Who changed the arguments of the proposal that this one replaces. */
      editedBy: Principal.optional(),
      replaces: Uuid7.optional(),
      /** The prompt that waits for the decision. */
      resumes: Uuid7.optional(),
      expiresAt: z.iso.datetime(),
    }),
  },
  ApprovalGranted: {
    version: 1,
    summary:
      'The action may run, with exactly these arguments. `by` is a person, or `mode:<mode>` where the mode lets it run.',
    data: z.strictObject({ by: Principal, argumentsHash: ArgumentsHash }),
  },
  ApprovalDenied: {
    version: 1,
    summary: 'The action will not run.',
    data: z.strictObject({ by: Principal, reason: z.string().min(1).max(maxReasonCharacters) }),
  },
  ApprovalReplaced: {
    version: 1,
    summary: 'The arguments were changed. The changed action is a proposal of its own, which waits.',
    data: z.strictObject({ by: Principal, replacedBy: Uuid7 }),
  },
  ApprovalExpired: {
    version: 1,
    summary: 'No person decided in time, which means no.',
    data: z.strictObject({ expiresAt: z.iso.datetime() }),
  },
  ApprovalUsed: {
    version: 1,
    summary:
      'The decision took effect, once. `executed`: the action ran in the same append. `refused`: a rule of the domain refused the action. `resumed`: the prompt that waited goes on.',
    data: z.strictObject({ outcome: z.enum(['executed', 'refused', 'resumed']), code: z.string().max(64).optional() }),
  },
} as const

export type ApprovalEvent = EventOf<typeof approvalEvents>
export const isApprovalEvent = isEventOf(approvalEvents)

export const approvalStream = (approvalId: Uuid7) => `approval/${approvalId}` as StreamName<'approval'>
