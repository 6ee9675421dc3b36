import type { TokenPage } from '../../agents/tokens/token-stream.ts'
import { chatStream, isChatEvent, type ChatEvent, type SensedConversation } from '../../events/chat.ts'
import type { RecordedEvent } from '../../events/event.ts'
import {
  beginning,
  comparePositions,
  justBefore,
  type Position,
  type StreamName,
  type Uuid7,
} from '../../events/identifiers.ts'
import type { EventLog } from '../../events/log/log.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import { printResumePoint, type ResumePoint, type ServerFrame } from './frames.ts'
import type { TokenWakeups } from './token-wakeups.ts'

export type FeedDependencies = {
  log: EventLog
  tail: LogTail
  wakeups: TokenWakeups
  /** The token stream of a request after an entry; rejects while the ephemeral Redis is unreachable. */
  readTokens: (requestId: Uuid7, afterId: string) => Promise<TokenPage>
}

type ChatRecord = RecordedEvent<ChatEvent>

/**
 * The frames of one answer after a resume point, including future ones. Ends with the terminal frame, or with the error
 * `bad_resume_point` when `seen` is not a point of this answer. Events come from the log and are durable. Text comes from the token
 * stream; the terminal event supplies text that is missing there. The `token` frames always add up to the answer's text, whatever
 * crashed. `first` is the position of the answer's first event.
 */
export async function* answerFeed(
  dependencies: FeedDependencies,
  requestId: Uuid7,
  first: Position,
  seen: ResumePoint | null,
  signal: AbortSignal,
): AsyncGenerator<ServerFrame> {
  const { log, tail, wakeups, readTokens } = dependencies
  const stream = chatStream(requestId)
  const point: ResumePoint = { position: beginning, offset: seen?.offset ?? 0 }
  const arrived: ChatRecord[] = []
  const bell = createBell(signal)
  const stopListening = [
    tail.listen(stream, (event) => {
      if (isChatEvent(event)) arrived.push(event)
      bell.ring()
    }),
    wakeups.listen(requestId, bell.ring),
  ]
  let lastToken = '0-0'
  let routed = false

  const frame = <F extends Omit<ServerFrame, 'requestId' | 'id'>>(rest: F) => ({
    ...rest,
    requestId,
    id: printResumePoint(point),
  })
  const isNew = () => seen === null || comparePositions(point.position, seen.position) > 0

  /** Text of the token stream that the feed has not sent. Text after a gap is left to the terminal event. */
  async function* tokens(): AsyncGenerator<ServerFrame> {
    const page = await readTokens(requestId, lastToken).catch(() => null)
    if (!page) return
    lastToken = page.lastId
    const start = page.endOffset - page.text.length
    if (start <= point.offset && page.endOffset > point.offset) yield text(page.text.slice(point.offset - start))
  }
  function text(piece: string): ServerFrame {
    point.offset += piece.length
    return frame({ type: 'token', text: piece })
  }

  try {
    arrived.unshift(...(await eventsFrom(log, stream, first)))
    arrived.sort((left, right) => comparePositions(left.position, right.position))
    if (seen && !(await isPointOf(seen, arrived, () => readTokens(requestId, lastToken)))) {
      yield noSuchPoint(requestId)
      return
    }

    while (!signal.aborted) {
      for (let event = arrived.shift(); event; event = arrived.shift()) {
        if (comparePositions(event.position, point.position) <= 0) continue
        const whole = finalText(event)
        if (whole !== null) {
          if (seen && isBeyond(seen, event)) {
            yield noSuchPoint(requestId)
            return
          }
          yield* tokens()
          if (whole.length > point.offset) yield text(whole.slice(point.offset))
        }
        point.position = event.position
        if (event.type === 'RequestRouted') routed = true
        const body = frameBody(event, first)
        if (body && isNew()) yield frame(body)
        if (whole !== null) return
      }
      if (routed) yield* tokens()
      if (arrived.length === 0) await bell.rung()
    }
  } finally {
    for (const stop of stopListening) stop()
  }
}

/** The events of an answer from its first one up to its terminal one, or to the end of the log. */
async function eventsFrom(log: EventLog, stream: StreamName, first: Position): Promise<ChatRecord[]> {
  const events: ChatRecord[] = []
  for await (const page of log.read({ after: justBefore(first), streams: [stream] })) {
    events.push(...page.filter(isChatEvent))
    if (events.some((event) => finalText(event) !== null)) break
  }
  return events
}

/** The whole text of an answer if this is its terminal event; null otherwise. */
const finalText = (event: ChatRecord): string | null =>
  event.type === 'AnswerCompleted' || event.type === 'AnswerFailed' || event.type === 'AnswerCancelled'
    ? event.data.text
    : null

/** Whether a resume point belongs to an answer with these events so far. */
async function isPointOf(
  seen: ResumePoint,
  events: readonly ChatRecord[],
  readText: () => Promise<TokenPage>,
): Promise<boolean> {
  if (!events.some(({ position }) => position === seen.position)) return false
  const ending = events.find((event) => finalText(event) !== null)
  if (ending) return !isBeyond(seen, ending)
  const page = await readText().catch(() => null)
  // A lost token stream gives nothing to compare with.
  return !page || page.endOffset === 0 || seen.offset <= page.endOffset
}

/** Only a completed answer is known to contain all streamed text. After a token stream was lost, other endings may have less than a client saw. */
const isBeyond = (seen: ResumePoint, ending: ChatRecord): boolean =>
  ending.type === 'AnswerCompleted' && ending.data.text.length < seen.offset

const noSuchPoint = (requestId: Uuid7): ServerFrame => ({
  type: 'error',
  requestId,
  code: 'bad_resume_point',
  message: 'lastEventId is not a point of this answer; resume without it to get every frame',
})

/** The frame that clients get for an event; null for internal events. */
function frameBody(event: ChatRecord, first: Position) {
  switch (event.type) {
    case 'PromptSubmitted':
      return { type: 'accepted' as const }
    case 'RequestRouted':
      return { type: 'routed' as const, ...event.data }
    case 'ContextSensed':
      return sensed(event.data.conversation)
    case 'ModelCallStarted':
      return { type: 'phase' as const, phase: event.data.phase, state: 'started' as const }
    case 'AnswerCompleted': {
      const { text, finishReason, costMicros, tokens: usage, timings, degraded } = event.data
      return {
        type: 'completed' as const,
        text,
        finishReason,
        costMicros,
        usage,
        timings,
        degraded,
        positions: { first, last: event.position },
      }
    }
    case 'AnswerFailed':
      return {
        type: 'failed' as const,
        code: event.data.code,
        message: event.data.message,
        costMicros: event.data.costMicros,
      }
    case 'AnswerCancelled':
      return { type: 'cancelled' as const, costMicros: event.data.costMicros }
    case 'AttemptStarted':
    case 'ModelCallEnded':
    case 'DraftProduced':
    case 'DraftFailed':
    case 'CritiqueProduced':
    case 'CancellationRequested':
      return null
    default:
      return event satisfies never
  }
}

/** The first turn of a conversation has no frame. */
function sensed({ requestIds, omitted, reason }: SensedConversation) {
  if (requestIds.length === 0 && omitted === 0) return null
  return {
    type: 'phase' as const,
    phase: 'sense',
    state: 'completed' as const,
    conversation: { turns: requestIds.length, omitted, ...(reason && { reason }) },
  }
}

/** A wake-up signal: `rung` resolves at the next ring, at once if it rang since the last wait, or when the signal aborts. */
function createBell(signal: AbortSignal): { ring: () => void; rung: () => Promise<void> } {
  let rang = false
  let answer: (() => void) | undefined
  const ring = (): void => {
    rang = true
    answer?.()
  }
  signal.addEventListener('abort', ring, { once: true })
  return {
    ring,
    async rung() {
      if (!rang && !signal.aborted) await new Promise<void>((resolve) => (answer = resolve))
      answer = undefined
      rang = false
    },
  }
}
