import { z } from 'zod'
import { AnswerPath, maxPromptCharacters } from '../../events/chat.ts'
import { ConversationId, Position, Uuid7 } from '../../events/identifiers.ts'
import { parseStrictJson } from '../../platform/strict-json.ts'

/** Frames of `/ws/chat`, sub-protocol `council.v1`: JSON objects in text messages. */
export const chatProtocol = 'council.v1'
export const maxFrameBytes = 64 * 1024

/**
 * Why a frame was not served. Stable; `docs/errors.md` explains each. Refused and rejected commands keep their own
 * codes.
 */
export const frameErrorCodes = [
  'malformed_frame',
  'unknown_frame',
  'bad_resume_point',
  'already_streaming',
  'approval_unknown',
  'prompt_unknown',
  'scope_missing',
  'too_many_requests',
  'too_many_in_flight',
  'read_model_unavailable',
  'read_model_behind',
  'log_unavailable',
  'log_stopped',
  'topic_unknown',
  'malformed_request',
  'not_found',
  'too_many_topics',
  'topic_too_large',
  'too_far_behind',
  'internal',
] as const
export type FrameErrorCode = (typeof frameErrorCodes)[number]

/**
 * The place of a frame in an answer, from which a client resumes. Printed as
 * `<position>[.<frames>]~<offset>[~<preview>]`, which is opaque to clients.
 */
export type ResumePoint = {
  /** The newest event seen. */
  position: Position
  /** The number of frames seen of that event; null: all of them. */
  frames: number | null
  /** UTF-16 code units of the answer seen. */
  offset: number
  /** The newest entry of the token stream whose preview was seen or dropped; null: none. */
  preview: Position | null
}

const resumePointPattern = /^(\d{1,15}-\d{1,20})(?:\.(\d{1,2}))?~(\d{1,9})(?:~(\d{1,15}-\d{1,20}))?$/

export const printResumePoint = ({ position, frames, offset, preview }: ResumePoint): string =>
  `${position}${frames === null ? '' : `.${frames}`}~${offset}${preview === null ? '' : `~${preview}`}`

/** Null for text that no server has sent as an id. */
export function parseResumePoint(text: string): ResumePoint | null {
  const [, position, frames, offset, preview] = resumePointPattern.exec(text) ?? []
  if (position === undefined) return null
  return {
    position: position as Position,
    frames: frames === undefined ? null : Number(frames),
    offset: Number(offset),
    preview: preview === undefined ? null : (preview as Position),
  }
}

/** The most topics that one socket follows. */
export const maxTopicsPerSocket = 64
const Topics = z.array(z.string().min(1).max(1_000)).min(1).max(maxTopicsPerSocket)

export const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('prompt'),
    requestId: Uuid7.optional(),
    conversationId: ConversationId.optional(),
    text: z.string().min(1).max(maxPromptCharacters),
    path: AnswerPath.optional(),
  }),
  z.strictObject({ type: z.literal('resume'), requestId: Uuid7, lastEventId: z.string().max(128).optional() }),
  z.strictObject({ type: z.literal('cancel'), requestId: Uuid7 }),
  z.strictObject({
    type: z.literal('approve'),
    approvalId: z.string().max(64),
    argumentsHash: z.string().max(64).optional(),
  }),
  z.strictObject({ type: z.literal('deny'), approvalId: z.string().max(64), reason: z.string().max(500).optional() }),
  z.strictObject({ type: z.literal('subscribe'), topics: Topics, after: Position.optional() }),
  z.strictObject({ type: z.literal('unsubscribe'), topics: Topics }),
  z.strictObject({ type: z.literal('ping') }),
])
export type ClientFrame = z.infer<typeof ClientFrame>

const ofAnswer = { requestId: Uuid7, id: z.string() }
const ofMember = { type: z.literal('member'), ...ofAnswer, member: z.string() }
const ofVote = { type: z.literal('vote'), ...ofAnswer }
const JsonObject = z.record(z.string(), z.unknown())
const label = z.string()
const message = z.string()

/** Everything the server sends. Frames with an `id` are resume points. */
export const ServerFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), ...ofAnswer }),
  z.object({
    type: z.literal('routed'),
    ...ofAnswer,
    path: AnswerPath,
    intent: z.string(),
    by: z.string(),
    confidence: z.number(),
    /** The hash of the council that sat. */
    seating: z.string().optional(),
    throttledBy: z.array(z.string()).optional(),
    /** No text comes before a person releases the answer. */
    held: z.literal(true).optional(),
  }),
  z.object({
    type: z.literal('phase'),
    ...ofAnswer,
    phase: z.string(),
    state: z.enum(['started', 'completed']),
    /**
     * In the phase `sense`: the number of earlier turns that the model sees and does not see (null: unknown), and the
     * reason.
     */
    conversation: z.object({ turns: z.int(), omitted: z.int().nullable(), reason: z.string().optional() }).optional(),
  }),
  z.discriminatedUnion('state', [
    z.object({ ...ofMember, state: z.enum(['started', 'reviewed', 'voted']) }),
    /** `text` is a piece of the draft, or the whole draft. */
    z.object({ ...ofMember, state: z.enum(['drafting', 'drafted']), text: z.string() }),
    z.object({ ...ofMember, state: z.enum(['failed', 'abstained']), why: z.string() }),
  ]),
  z.discriminatedUnion('result', [
    z.object({
      ...ofVote,
      result: z.literal('decided'),
      method: z.string(),
      /** Labels, best first; equals share a group. */
      order: z.array(z.array(label)),
      tally: z.record(label, z.number()),
      winners: z.array(label),
      winner: label,
      tieBreak: z.object({ among: z.array(label), by: z.string() }).optional(),
      /** The member that wrote the draft of each label. */
      candidates: z.record(label, z.string()),
      /** For each member that judged the winner and did not put it first: the labels that it preferred. */
      dissent: z.record(z.string(), z.array(label)),
      /** The first steps of the count. */
      trace: z.array(z.string()),
    }),
    z.object({ ...ofVote, result: z.literal('failed'), why: z.string() }),
  ]),
  /** The answer waits for a person; or the decision is there. */
  z.object({
    type: z.literal('approval'),
    ...ofAnswer,
    approvalId: Uuid7,
    action: z.enum(['ReleaseAnswer', 'ExceedBudget']),
    state: z.enum(['waiting', 'granted', 'denied', 'expired']),
  }),
  z.object({ type: z.literal('token'), ...ofAnswer, text: z.string() }),
  z.object({
    type: z.literal('completed'),
    ...ofAnswer,
    text: z.string(),
    /** `length`: the model or the council cut the answer off at a limit. */
    finishReason: z.enum(['stop', 'length']),
    costMicros: z.int(),
    usage: z.object({ promptTokens: z.int(), completionTokens: z.int() }),
    timings: z.object({ queuedMs: z.number(), firstTokenMs: z.number().nullable(), totalMs: z.number() }),
    degraded: z.boolean(),
    /** Why the answer is degraded. */
    reasons: z.array(z.string()).optional(),
    positions: z.object({ first: Position, last: Position }),
  }),
  z.object({ type: z.literal('failed'), ...ofAnswer, code: z.string(), message, costMicros: z.int() }),
  z.object({ type: z.literal('cancelled'), ...ofAnswer, costMicros: z.int() }),
  z.object({
    type: z.literal('error'),
    requestId: Uuid7.optional(),
    code: z.string(),
    message,
    /** The scope that the token lacks. */
    scope: z.string().optional(),
    topic: z.string().optional(),
  }),
  /** One of `value` and `events`; `position` is where the log had them. */
  z.object({
    type: z.literal('change'),
    topic: z.string(),
    position: Position,
    /** The newest value of a topic, as `GET /v1/<topic>` answers. */
    value: JsonObject.optional(),
    /** The next events of the topic `events`: the client has all of them up to `position`. */
    events: z.array(JsonObject).optional(),
  }),
  z.object({ type: z.literal('resumed'), requestId: Uuid7 }),
  /** The reply to `approve` and `deny`. */
  z.object({ type: z.literal('decided'), approvalId: Uuid7, decision: z.enum(['granted', 'denied']) }),
  z.object({ type: z.literal('restart') }),
  z.object({ type: z.literal('pong') }),
])
export type ServerFrame = z.infer<typeof ServerFrame>

const frameTypes = ClientFrame.options.map(({ shape }) => shape.type.value).join(', ')

export type ParsedFrame = { ok: true; frame: ClientFrame } | { ok: false; code: FrameErrorCode; message: string }

/** Parses the text of a client's message. */
export function parseClientFrame(text: string): ParsedFrame {
  const json = parseStrictJson(text)
  if (!json.ok)
    return {
      ok: false,
      code: 'malformed_frame',
      message: json.problem === 'is not JSON' ? 'a frame is one JSON object' : `the frame ${json.problem}`,
    }
  const parsed = ClientFrame.safeParse(json.value)
  if (parsed.success) return { ok: true, frame: parsed.data }
  const [issue] = parsed.error.issues
  if (issue?.code === 'invalid_union' && issue.path[0] === 'type')
    return { ok: false, code: 'unknown_frame', message: `type must be one of ${frameTypes}` }
  return {
    ok: false,
    code: 'malformed_frame',
    message: issue ? `${issue.path.join('.') || 'frame'}: ${issue.message}` : 'this is not a frame',
  }
}
