import type { ServerFrame } from '../../src/api/chat/frames.ts'

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>
type Vote = FrameOf<'vote'>

/** What a member of the council has done for an answer. */
export type MemberWork = {
  member: string
  /** `abstained` and `failed` say why. */
  state: FrameOf<'member'>['state']
  draft: string
  why: string | null
}

/** A phase of an answer. `startedMs` and `tookMs` are known only to a page that watched it. */
export type Phase = { name: string; isOver: boolean; startedMs: number | null; tookMs: number | null }

/** A question and what is known of its answer. */
export type Turn = {
  requestId: string
  question: string
  status: 'asked' | 'answering' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  /** The path that the answer took; null before the council chose it. */
  path: 'fast' | 'full' | 'action' | null
  /** Whether a budget closed the full path to it. */
  isThrottled: boolean
  phases: readonly Phase[]
  members: readonly MemberWork[]
  vote: Vote | null
  text: string
  approval: FrameOf<'approval'> | null
  ending: Ending | null
  /** Whether the frames of the deliberation are here; a turn of an earlier visit has only its text. */
  hasStory: boolean
}

/** How an answer ended: of an earlier visit without its timings. */
export type Ending = {
  costMicros: number
  tokens: { prompt: number; completion: number } | null
  firstTokenMs: number | null
  totalMs: number | null
  isCut: boolean
  reasons: readonly string[]
  /** Why it failed; null if it did not. */
  failure: string | null
  /** The last event of the answer, where it is known. */
  lastPosition: string | null
}

export const asked = (requestId: string, question: string): Turn => ({
  requestId,
  question,
  status: 'asked',
  path: null,
  isThrottled: false,
  phases: [],
  members: [],
  vote: null,
  text: '',
  approval: null,
  ending: null,
  hasStory: true,
})

/** Whether more of the answer is to come without a person. */
export const isRunning = ({ status }: Turn): boolean => status === 'asked' || status === 'answering'

/**
 * A turn after a frame of its answer. `nowMs` is the time at which the frame came, or null if it tells of an earlier time. Pure.
 */
export function withFrame(turn: Turn, frame: ServerFrame, nowMs: number | null): Turn {
  switch (frame.type) {
    case 'accepted':
      return { ...asked(turn.requestId, turn.question), status: 'answering' }
    case 'routed':
      return { ...turn, path: frame.path, isThrottled: frame.throttledBy !== undefined }
    case 'phase':
      return { ...turn, phases: phasesWith(turn.phases, frame, nowMs) }
    case 'member':
      return { ...turn, members: membersWith(turn.members, frame) }
    case 'vote':
      return { ...turn, vote: frame }
    case 'approval':
      return { ...turn, approval: frame, status: frame.state === 'waiting' ? 'waiting' : 'answering' }
    case 'token':
      return { ...turn, status: 'answering', text: turn.text + frame.text }
    case 'completed':
      return { ...turn, status: 'completed', text: frame.text, ending: completed(frame) }
    case 'failed':
      return { ...turn, status: 'failed', ending: ended(frame.costMicros, frame.message) }
    case 'cancelled':
      return { ...turn, status: 'cancelled', ending: ended(frame.costMicros, null) }
    case 'error':
    case 'change':
    case 'resumed':
    case 'decided':
    case 'restart':
    case 'pong':
      return turn
    default:
      return frame satisfies never
  }
}

/** A turn that the client gave up, for example because the server refused its question. */
export const givenUp = (turn: Turn, why: string): Turn => ({ ...turn, status: 'failed', ending: ended(0, why) })

const completed = ({ costMicros, usage, timings, finishReason, reasons, positions }: FrameOf<'completed'>): Ending => ({
  costMicros,
  tokens: { prompt: usage.promptTokens, completion: usage.completionTokens },
  firstTokenMs: timings.firstTokenMs,
  totalMs: timings.totalMs,
  isCut: finishReason === 'length',
  reasons: reasons ?? [],
  failure: null,
  lastPosition: positions.last,
})

const ended = (costMicros: number, failure: string | null): Ending => ({
  costMicros,
  tokens: null,
  firstTokenMs: null,
  totalMs: null,
  isCut: false,
  reasons: [],
  failure,
  lastPosition: null,
})

function phasesWith(phases: readonly Phase[], frame: FrameOf<'phase'>, nowMs: number | null): Phase[] {
  const known = phases.find(({ name }) => name === frame.phase)
  if (frame.state === 'started') {
    const others = phases.filter(({ name }) => name !== frame.phase)
    return [...others, { name: frame.phase, isOver: false, startedMs: nowMs, tookMs: null }]
  }
  const over: Phase = {
    name: frame.phase,
    isOver: true,
    startedMs: known?.startedMs ?? null,
    tookMs: nowMs === null || known?.startedMs == null ? null : nowMs - known.startedMs,
  }
  return known ? phases.map((phase) => (phase === known ? over : phase)) : [...phases, over]
}

function membersWith(members: readonly MemberWork[], frame: FrameOf<'member'>): MemberWork[] {
  const known = members.find(({ member }) => member === frame.member)
  const before = known ?? { member: frame.member, state: 'started', draft: '', why: null }
  const after = memberAfter(before, frame)
  return known ? members.map((one) => (one === known ? after : one)) : [...members, after]
}

function memberAfter(before: MemberWork, frame: FrameOf<'member'>): MemberWork {
  switch (frame.state) {
    case 'started':
      return { ...before, state: 'started', draft: '' }
    case 'drafting':
      return { ...before, state: 'drafting', draft: before.draft + frame.text }
    case 'drafted':
      return { ...before, state: 'drafted', draft: frame.text === '' ? before.draft : frame.text }
    case 'reviewed':
    case 'voted':
      return { ...before, state: frame.state }
    case 'failed':
    case 'abstained':
      return { ...before, state: frame.state, why: frame.why }
    default:
      return frame satisfies never
  }
}
