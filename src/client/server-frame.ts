import type { ServerFrame } from '../api/chat/frames.ts'
import { ClientError } from './client-error.ts'
import {
  anything,
  boolean,
  integer,
  isObject,
  list,
  matching,
  nullable,
  number,
  object,
  oneOf,
  optional,
  record,
  selectedBy,
  ShapeError,
  text,
  type Shape,
} from './shape.ts'

/**
 * A server frame, raw and parsed. `frame` is undefined for a type of a newer server; such a frame may still have an
 * `id`, the point to resume from.
 */
export type ReceivedFrame = { raw: object; id: string | undefined; frame: ServerFrame | undefined }

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>
type RequestId = FrameOf<'accepted'>['requestId']
type Position = FrameOf<'completed'>['positions']['first']

const uuid7 = matching<RequestId>(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  'a lower-case UUIDv7',
)
const position = matching<Position>(/^\d{1,15}-\d{1,20}$/, 'a position')

const ofAnswer = { requestId: uuid7, id: text }

type Member = FrameOf<'member'>
/** The form of the frame that has a field. */
type MemberWith<Field extends string> = Extract<Member, Record<Field, string>>
const ofMember = { type: oneOf('member'), ...ofAnswer, member: text }
const memberProgress = object<Exclude<Member, { text: string } | { why: string }>>({
  ...ofMember,
  state: oneOf('started', 'reviewed', 'voted'),
})
const memberDraft = object<MemberWith<'text'>>({ ...ofMember, state: oneOf('drafting', 'drafted'), text })
const memberFailure = object<MemberWith<'why'>>({ ...ofMember, state: oneOf('failed', 'abstained'), why: text })

type Vote = FrameOf<'vote'>
const ofVote = { type: oneOf('vote'), ...ofAnswer }
const decidedVote = object<Extract<Vote, { result: 'decided' }>>({
  ...ofVote,
  result: oneOf('decided'),
  method: text,
  order: list(list(text)),
  tally: record(number),
  winners: list(text),
  winner: text,
  tieBreak: optional(object<{ among: string[]; by: string }>({ among: list(text), by: text })),
  candidates: record(text),
  dissent: record(list(text)),
  trace: list(text),
})

/** The shape of every type of frame. `ServerFrame` in `src/api/chat/frames.ts` is the authority; a test compares the two. */
const shapes: { [Type in ServerFrame['type']]: Shape<FrameOf<Type>> } = {
  accepted: object<FrameOf<'accepted'>>({ type: oneOf('accepted'), ...ofAnswer }),
  routed: object<FrameOf<'routed'>>({
    type: oneOf('routed'),
    ...ofAnswer,
    path: oneOf('fast', 'full', 'action'),
    intent: text,
    by: text,
    confidence: number,
    seating: optional(text),
    throttledBy: optional(list(text)),
    held: optional(oneOf(true)),
  }),
  phase: object<FrameOf<'phase'>>({
    type: oneOf('phase'),
    ...ofAnswer,
    phase: text,
    state: oneOf('started', 'completed'),
    conversation: optional(
      object<NonNullable<FrameOf<'phase'>['conversation']>>({
        turns: integer,
        omitted: nullable(integer),
        reason: optional(text),
      }),
    ),
  }),
  member: selectedBy<Member>('state', {
    started: memberProgress,
    reviewed: memberProgress,
    voted: memberProgress,
    drafting: memberDraft,
    drafted: memberDraft,
    failed: memberFailure,
    abstained: memberFailure,
  }),
  vote: selectedBy<Vote>('result', {
    decided: decidedVote,
    failed: object<Extract<Vote, { result: 'failed' }>>({ ...ofVote, result: oneOf('failed'), why: text }),
  }),
  approval: object<FrameOf<'approval'>>({
    type: oneOf('approval'),
    ...ofAnswer,
    approvalId: uuid7,
    action: oneOf('ReleaseAnswer', 'ExceedBudget'),
    state: oneOf('waiting', 'granted', 'denied', 'expired'),
  }),
  token: object<FrameOf<'token'>>({ type: oneOf('token'), ...ofAnswer, text }),
  completed: object<FrameOf<'completed'>>({
    type: oneOf('completed'),
    ...ofAnswer,
    text,
    finishReason: oneOf('stop', 'length'),
    costMicros: integer,
    usage: object<FrameOf<'completed'>['usage']>({ promptTokens: integer, completionTokens: integer }),
    timings: object<FrameOf<'completed'>['timings']>({
      queuedMs: number,
      firstTokenMs: nullable(number),
      totalMs: number,
    }),
    degraded: boolean,
    reasons: optional(list(text)),
    positions: object<FrameOf<'completed'>['positions']>({ first: position, last: position }),
  }),
  failed: object<FrameOf<'failed'>>({
    type: oneOf('failed'),
    ...ofAnswer,
    code: text,
    message: text,
    costMicros: integer,
  }),
  cancelled: object<FrameOf<'cancelled'>>({ type: oneOf('cancelled'), ...ofAnswer, costMicros: integer }),
  error: object<FrameOf<'error'>>({
    type: oneOf('error'),
    requestId: optional(uuid7),
    code: text,
    message: text,
    scope: optional(text),
    topic: optional(text),
  }),
  change: object<FrameOf<'change'>>({
    type: oneOf('change'),
    topic: text,
    position,
    value: optional(record(anything)),
    events: optional(list(record(anything))),
  }),
  resumed: object<FrameOf<'resumed'>>({ type: oneOf('resumed'), requestId: uuid7 }),
  decided: object<FrameOf<'decided'>>({
    type: oneOf('decided'),
    approvalId: uuid7,
    decision: oneOf('granted', 'denied'),
  }),
  restart: object<FrameOf<'restart'>>({ type: oneOf('restart') }),
  pong: object<FrameOf<'pong'>>({ type: oneOf('pong') }),
}

const isKnown = (type: string): type is ServerFrame['type'] => Object.hasOwn(shapes, type)

/** Throws ClientError `malformed_frame` for text that is not a frame, and for a known type of another shape. */
export function parseServerFrame(message: string): ReceivedFrame {
  let raw: unknown
  try {
    raw = JSON.parse(message)
  } catch {
    throw malformed('it is not JSON')
  }
  if (!isObject(raw) || typeof raw['type'] !== 'string') throw malformed('it has no type')
  const type = raw['type']
  const id = typeof raw['id'] === 'string' ? raw['id'] : undefined
  if (!isKnown(type)) return { raw, id, frame: undefined }
  try {
    return { raw, id, frame: shapes[type](raw, type) }
  } catch (error) {
    if (error instanceof ShapeError) throw malformed(error.message)
    throw error
  }
}

/** The error for a frame, or the body of an answer, that is not the protocol. */
export const malformed = (why: string): ClientError =>
  new ClientError('malformed_frame', `the server sent a frame that cannot be understood: ${why}`)
