import type { Preview, TokenPage } from '../../agents/tokens/token-stream.ts'
import { chatStream } from '../../events/chat.ts'
import { electionStream } from '../../events/election.ts'
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
import { answerFrames, finalText, isAnswerEvent, type AnswerRecord, type FrameBody } from './answer-frames.ts'
import { unsentTokens, type UnsentTokens } from './answer-tokens.ts'
import { printResumePoint, type ResumePoint, type ServerFrame } from './frames.ts'
import type { TokenWakeups } from './token-wakeups.ts'

export type FeedDependencies = {
  log: EventLog
  tail: LogTail
  wakeups: TokenWakeups
  /** The token stream of a request after an entry; rejects while the ephemeral Redis is unreachable. */
  readTokens: (requestId: Uuid7, afterId: string) => Promise<TokenPage>
}

/**
 * The frames of one answer after a resume point, including future ones. Ends with the terminal frame, or with the error
 * `bad_resume_point` when `seen` is not a point of this answer. Events of the prompt and of its election come from the
 * log and are durable. Text and previews of drafts come from the token stream; the terminal event supplies text that is
 * missing there. The `token` frames always add up to the answer's text, whatever crashed. `first` is the position of
 * the answer's first event.
 */
export async function* answerFeed(
  dependencies: FeedDependencies,
  requestId: Uuid7,
  first: Position,
  seen: ResumePoint | null,
  signal: AbortSignal,
): AsyncGenerator<ServerFrame> {
  const readTokens = (afterId: string) => dependencies.readTokens(requestId, afterId)
  const tokens = unsentTokens(readTokens, seen)
  const news = listenFor(dependencies, requestId, tokens, signal)
  const unseen = unseenFrames(requestId, first, seen, tokens)
  let isRouted = false
  try {
    await news.readHistory(first)
    if (seen && !(await isPointOf(seen, news.events, () => readTokens(beginning)))) {
      yield noSuchPoint(requestId)
      return
    }

    while (!signal.aborted) {
      const event = news.events.shift()
      const whole = event ? finalText(event) : null
      if ((isRouted || whole !== null) && news.hasTokens()) await tokens.read()
      if (!event) {
        // An event that arrived meanwhile comes before the tokens that were written after it.
        if (news.events.length > 0) continue
        if (isRouted) yield* unseen.ofTokens()
        await news.rung()
        continue
      }
      if (seen && whole !== null && isBeyond(seen, event)) {
        yield noSuchPoint(requestId)
        return
      }
      if (event.type === 'RequestRouted') isRouted = true
      yield* unseen.ofEvent(event, whole)
      if (whole !== null) return
    }
  } finally {
    news.stop()
  }
}

/** Makes the frames that the client of a feed has not seen, each with its resume point. */
function unseenFrames(requestId: Uuid7, first: Position, seen: ResumePoint | null, tokens: UnsentTokens) {
  const frames = answerFrames(first)
  const point: ResumePoint = {
    position: beginning,
    frames: null,
    offset: seen?.offset ?? 0,
    preview: seen?.preview ?? null,
  }
  const frame = (body: FrameBody): ServerFrame => ({ ...body, requestId, id: printResumePoint(point) })

  function* text(piece: string): Generator<ServerFrame> {
    if (piece === '') return
    point.offset += piece.length
    yield frame({ type: 'token', text: piece })
  }
  function* previews(isLast: (preview: Preview) => boolean): Generator<ServerFrame> {
    for (const preview of tokens.takePreviews(isLast, (one) => frames.standingOf(one) === 'early')) {
      point.preview = preview.id
      if (frames.standingOf(preview) === 'due')
        yield frame({ type: 'member', member: preview.member, state: 'drafting', text: preview.text })
    }
  }
  return {
    /** The previews and the text that were read and are due. */
    *ofTokens(): Generator<ServerFrame> {
      // Text that comes while the client takes the previews waits for the events before it.
      const due = tokens.takeText()
      yield* previews(() => true)
      yield* text(due)
    },
    /**
     * The frames of the next event, after the tokens that come before it. `whole` is the text of the answer that it
     * ends.
     */
    *ofEvent(event: AnswerRecord, whole: string | null): Generator<ServerFrame> {
      if (comparePositions(event.position, point.position) <= 0) return
      const seenOfEvent = framesSeenOf(event, seen)
      if (seenOfEvent === 0) yield* previews((preview) => isBefore(preview, event))
      if (whole !== null) {
        yield* text(tokens.takeText())
        yield* text(whole.slice(point.offset))
      }
      const bodies = frames.of(event)
      point.position = event.position
      for (const [index, body] of bodies.entries()) {
        point.frames = index + 1 < bodies.length ? index + 1 : null
        if (index >= seenOfEvent) yield frame(body)
      }
    },
  }
}

/** The number of frames of an event that a client has seen. */
function framesSeenOf({ position }: AnswerRecord, seen: ResumePoint | null): number {
  const order = seen ? comparePositions(position, seen.position) : 1
  if (order > 0) return 0
  return order < 0 ? Infinity : (seen?.frames ?? Infinity)
}

/**
 * Whether a preview comes before an event. The end of a draft comes after all its previews, and the end of an answer
 * after all of them. Otherwise the times of the two Redis servers decide, so that a feed of the past shows them as they
 * happened.
 */
function isBefore({ id, member }: Preview, event: AnswerRecord): boolean {
  if (finalText(event) !== null) return true
  if ((event.type === 'DraftProduced' || event.type === 'DraftFailed') && event.data.member === member) return true
  return comparePositions(id, event.position) <= 0
}

/** The events of an answer, in order, as they arrive. */
type News = {
  events: AnswerRecord[]
  /** Adds the events that were appended before, up to the terminal one or to the end of the log. */
  readHistory: (first: Position) => Promise<void>
  /** Whether the token stream may have entries, since the last call, that came with no wake-up. */
  hasTokens: () => boolean
  /** Resolves when there may be something new. */
  rung: () => Promise<void>
  stop: () => void
}

function listenFor(
  { log, tail, wakeups }: FeedDependencies,
  requestId: Uuid7,
  tokens: UnsentTokens,
  signal: AbortSignal,
): News {
  const streams: StreamName[] = [chatStream(requestId), electionStream(requestId)]
  const events: AnswerRecord[] = []
  const bell = createBell(signal)
  let hasTokens = true
  const ring = (): void => {
    hasTokens = true
    bell.ring()
  }
  const stopListening = [
    ...streams.map((stream) =>
      tail.listen(stream, (event) => {
        if (isAnswerEvent(event)) events.push(event)
        ring()
      }),
    ),
    wakeups.listen(requestId, (piece) => {
      if (piece && tokens.add(piece)) bell.ring()
      else ring()
    }),
  ]
  return {
    events,
    async readHistory(first) {
      events.unshift(...(await eventsFrom(log, streams, first)))
      events.sort((left, right) => comparePositions(left.position, right.position))
    },
    hasTokens() {
      const had = hasTokens
      hasTokens = false
      return had
    },
    rung: bell.rung,
    stop() {
      for (const stop of stopListening) stop()
    },
  }
}

async function eventsFrom(log: EventLog, streams: readonly StreamName[], first: Position): Promise<AnswerRecord[]> {
  const events: AnswerRecord[] = []
  for await (const page of log.read({ after: justBefore(first), streams })) {
    events.push(...page.filter(isAnswerEvent))
    if (events.some((event) => finalText(event) !== null)) break
  }
  return events
}

/** Whether a resume point belongs to an answer with these events so far. */
async function isPointOf(
  seen: ResumePoint,
  events: readonly AnswerRecord[],
  readText: () => Promise<TokenPage>,
): Promise<boolean> {
  if (!events.some(({ position }) => position === seen.position)) return false
  const ending = events.find((event) => finalText(event) !== null)
  if (ending) return !isBeyond(seen, ending)
  const page = await readText().catch(() => null)
  // A lost token stream gives nothing to compare with.
  return !page || page.endOffset === 0 || seen.offset <= page.endOffset
}

/**
 * Only a completed answer is known to contain all streamed text. After a token stream was lost, other endings may have
 * less than a client saw.
 */
const isBeyond = (seen: ResumePoint, ending: AnswerRecord): boolean =>
  ending.type === 'AnswerCompleted' && ending.data.text.length < seen.offset

const noSuchPoint = (requestId: Uuid7): ServerFrame => ({
  type: 'error',
  requestId,
  code: 'bad_resume_point',
  message: 'lastEventId is not a point of this answer; resume without it to get every frame',
})

/**
 * A wake-up signal: `rung` resolves at the next ring, at once if it rang since the last wait, or when the signal
 * aborts.
 */
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
