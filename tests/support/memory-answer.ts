import type { TokenPage, WrittenPiece } from '../../src/agents/tokens/token-stream.ts'
import type { Wake } from '../../src/api/chat/token-wakeups.ts'
import { answerFeed } from '../../src/api/chat/answer-feed.ts'
import { parseResumePoint, type ServerFrame } from '../../src/api/chat/frames.ts'
import { eventCatalogue } from '../../src/events/catalogue.ts'
import { chatStream, type ChatEvent } from '../../src/events/chat.ts'
import { electionStream, type ElectionEvent } from '../../src/events/election.ts'
import { beginning, comparePositions, Principal, type Position, type StreamName } from '../../src/events/identifiers.ts'
import type { ReadOptions } from '../../src/events/log/log.ts'
import { startTail } from '../../src/events/log/read/tail.ts'
import { newId } from './council.ts'
import { memoryServer } from './memory-log/memory-log.ts'

type AnswerEvent = ChatEvent | ElectionEvent

const at = '2026-11-23T12:00:00.000Z'
export const bill = {
  costMicros: 38,
  tokens: { promptTokens: 12, completionTokens: 7 },
  timings: { queuedMs: 1, firstTokenMs: 2, totalMs: 3 },
}
export const routed = (path: 'fast' | 'full' = 'fast'): ChatEvent => ({
  type: 'RequestRouted',
  data: { path, intent: 'question', by: 'rule', confidence: 1 },
})
export const completed = (text: string): ChatEvent => ({
  type: 'AnswerCompleted',
  data: { text, finishReason: 'stop', degraded: false, ...bill },
})
export const failed = (text: string): ChatEvent => ({
  type: 'AnswerFailed',
  data: { code: 'interrupted', message: 'the stream broke', text, ...bill },
})
export const cancelled = (text: string): ChatEvent => ({ type: 'AnswerCancelled', data: { text, ...bill } })

/**
 * One answer in an in-memory log, with a token stream that a test can fill and lose. The clock of both moves on by a
 * millisecond with every step; that of the token stream is `aheadMs` ahead. The feed reads pages of `pageSize` events
 * and waits for `beforePage` before each. `message` decides what becomes of the messages about new pieces of text.
 */
export async function openAnswer({
  pageSize = 1000,
  beforePage = () => Promise.resolve(),
  aheadMs = 0,
  message = (): Delivery => 'once',
} = {}) {
  let nowMs = Date.now()
  const log = memoryServer({ nowMs: () => nowMs }, { pageSize }).open()
  const tail = startTail(log, beginning)
  const requestId = newId()
  const streams = { chat: chatStream(requestId), election: electionStream(requestId) }
  const streamOf = (type: string): StreamName => (/^(Election|Ballot)/.test(type) ? streams.election : streams.chat)
  const revisions = new Map<StreamName, number>()
  const tokens = memoryTokens(() => `${(nowMs += 1) + aheadMs}-0` as Position, message)

  const delivered = async (isAwaited: (event: { type: string; position: Position }) => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const stops = Object.values(streams).map((stream) =>
      tail.listen(stream, (event) => isAwaited(event) && resolve(undefined)),
    )
    await promise
    for (const stop of stops) stop()
  }

  /** Appends events in one append; resolves when the tail has delivered them. */
  async function record(...events: AnswerEvent[]): Promise<Position> {
    nowMs += 1
    const seen: Position[] = []
    let last = beginning
    const isDelivered = delivered(({ position }) => {
      seen.push(position)
      return seen.includes(last)
    })
    const touched = [...new Set(events.map(({ type }) => streamOf(type)))]
    const result = await log.append({
      commands: [{ principal: Principal.parse('tester'), commandId: newId(), contentHash: '', events: events.length }],
      reads: touched.map((stream) => ({ stream, revision: revisions.get(stream) ?? 0 })),
      events: events.map(({ type, data }) => ({
        stream: streamOf(type),
        type,
        version: eventCatalogue[type].version,
        data: JSON.stringify(data),
        metadata: JSON.stringify({
          eventId: newId(),
          commandId: newId(),
          correlationId: requestId,
          causationId: requestId,
          actor: 'tester',
          contentHash: '',
          occurredAt: at,
        }),
      })),
      states: touched.map((stream) => ({ stream, deadlineMs: null, stateVersion: 1, state: '{}' })),
      jobs: [],
      finishedJobs: [],
    })
    if (result.result !== 'appended') throw new Error(`not appended: ${result.result}`)
    for (const { type } of events) revisions.set(streamOf(type), (revisions.get(streamOf(type)) ?? 0) + 1)
    last = result.positions.at(-1) ?? beginning
    if (!seen.includes(last)) await isDelivered
    return result.positions[0] ?? beginning
  }
  const first = await record({
    type: 'PromptSubmitted',
    data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: at },
  })
  async function* read(options?: ReadOptions) {
    for await (const page of log.read(options)) {
      await beforePage()
      yield page
    }
  }
  const abort = new AbortController()
  return {
    requestId,
    record,
    /** Resolves when the tail has delivered an event of this type. */
    delivered: (type: AnswerEvent['type']) => delivered((event) => event.type === type),
    write: tokens.write,
    /** Writes a piece of a member's draft. */
    preview: tokens.preview,
    /** The ephemeral Redis is unreachable, or has forgotten the text. */
    lose: tokens.lose,
    feed: (lastEventId?: string) =>
      answerFeed(
        { log: { ...log, read }, tail, wakeups: tokens.wakeups, readTokens: tokens.read },
        requestId,
        first,
        lastEventId === undefined ? null : parseResumePoint(lastEventId),
        abort.signal,
      ),
    listeners: tokens.listeners,
    /** How often feeds have read the token stream. */
    reads: tokens.reads,
    abort: () => abort.abort(),
    close: () => tail.stop(),
  }
}

/** `empty`: the message lacks its piece. */
export type Delivery = 'once' | 'twice' | 'never' | 'empty'

export type MemoryAnswer = Awaited<ReturnType<typeof openAnswer>>

/**
 * A token stream whose entries have the ids that `nextId` makes. After a loss it takes no more text, as
 * write-tokens.lua.
 */
function memoryTokens(nextId: () => Position, message: () => Delivery) {
  type Entry = { id: Position; text: string; preview?: { attempt: number; member: string } }
  const wakes = new Set<Wake>()
  let entries: Entry[] = []
  let reads = 0
  let state: 'kept' | 'unreachable' | 'forgotten' = 'kept'
  const wakeAll = (piece: WrittenPiece | null): void => {
    for (const wake of wakes) wake(piece)
  }
  const add = (entry: Omit<Entry, 'id'>): void => {
    const id = nextId()
    const before = entries.at(-1)?.id ?? beginning
    if (state !== 'kept') return wakeAll(null)
    entries.push({ id, ...entry })
    if (entry.preview) return wakeAll(null)
    const how = message()
    if (how === 'never') return
    const piece = { before, id, endOffset: textOf(entries).length, text: entry.text }
    for (let times = how === 'twice' ? 2 : 1; times > 0; times--) wakeAll(how === 'empty' ? null : piece)
  }
  const textOf = (some: readonly Entry[]): string => some.map(({ text, preview }) => (preview ? '' : text)).join('')
  return {
    write: (text: string) => add({ text }),
    preview: (member: string, text: string, attempt = 1) => add({ text, preview: { attempt, member } }),
    lose: (how: 'unreachable' | 'forgotten'): void => {
      state = how
      entries = []
      wakeAll(null)
    },
    reads: () => reads,
    read: async (_: unknown, afterId: string): Promise<TokenPage> => {
      reads += 1
      if (state === 'unreachable') throw new Error('Connection is closed.')
      const after = entries.filter(({ id }) => comparePositions(id, afterId as Position) > 0)
      return {
        text: textOf(after),
        endOffset: after.length === 0 ? 0 : textOf(entries).length,
        begun: [],
        previews: after.flatMap(({ id, text, preview }) => (preview ? [{ id, text, ...preview }] : [])),
        firstTextAtMs: null,
        lastId: after.at(-1)?.id ?? afterId,
      }
    },
    wakeups: {
      listen(_: unknown, listener: Wake) {
        wakes.add(listener)
        return () => void wakes.delete(listener)
      },
      close: () => undefined,
    },
    listeners: () => wakes.size,
  }
}

export async function withAnswer(
  work: (answer: MemoryAnswer) => Promise<void>,
  options?: Parameters<typeof openAnswer>[0],
): Promise<void> {
  const answer = await openAnswer(options)
  await work(answer).finally(answer.close)
}

/** The next frames of a feed that stays open. */
export async function take(feed: AsyncGenerator<ServerFrame>, count: number): Promise<ServerFrame[]> {
  const frames: ServerFrame[] = []
  while (frames.length < count) {
    const next = await feed.next()
    if (next.done) throw new Error(`the feed ended after ${frames.length} frames`)
    frames.push(next.value)
  }
  return frames
}

export const rest = (feed: AsyncGenerator<ServerFrame>): Promise<ServerFrame[]> => Array.fromAsync(feed)
export const types = (frames: readonly ServerFrame[]): string[] => frames.map(({ type }) => type)
export const textOf = (frames: readonly ServerFrame[]): string =>
  frames.map((frame) => (frame.type === 'token' ? frame.text : '')).join('')
export const idOf = (frame: ServerFrame | undefined): string => (frame && 'id' in frame ? frame.id : '')
