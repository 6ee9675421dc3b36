import type { WebSocket } from '@fastify/websocket'
import { CancelPrompt } from '../commands/cancel-prompt.ts'
import type { CommandResult } from '../commands/gate-types.ts'
import type { CommandGate } from '../commands/gate.ts'
import { SubmitPrompt } from '../commands/submit-prompt.ts'
import type { Position, Uuid7 } from '../events/identifiers.ts'
import type { Logger } from '../platform/logger.ts'
import { newTraceparent } from '../platform/trace.ts'
import type { Principal } from './access.ts'
import { answerFeed, type FeedDependencies } from './answer-feed.ts'
import { parseClientFrame, parseResumePoint, type ClientFrame, type ResumePoint } from './frames.ts'
import type { SubjectLimits } from './limits.ts'
import { takeFrames, type IncomingFrame } from './frame-intake.ts'
import { socketWriter, type SocketWriter } from './socket-writer.ts'

export const closeCodes = { policy: 1008, internal: 1011, restart: 1012, slowConsumer: 1013, tooManyRequests: 4029 } as const

export type ChatDependencies = FeedDependencies & {
  gate: CommandGate
  limits: SubjectLimits
  newId: () => Uuid7
  logger: Logger
  /** Where an answer of this principal begins; null when it has none under this id. */
  firstPosition: (principal: string, requestId: Uuid7) => Promise<Position | null>
}

/** One socket while it is open. */
type Conversation = SocketWriter & {
  subject: string
  closed: AbortSignal
  feeds: Set<Uuid7>
  /** Something broke here: the socket is closed, and the log says why, once. */
  fail: (error: unknown) => void
}

/**
 * Serves one socket of `/ws/chat`. Handlers are attached before anything is awaited, since messages that come meanwhile
 * would be lost. A dropped socket is not a cancel: answers go on, and any socket may resume them.
 */
export function serveChat(dependencies: ChatDependencies, socket: WebSocket, { subject }: Principal): void {
  const { limits } = dependencies
  const logger = dependencies.logger.child({ subject })
  const closed = new AbortController()
  socket.on('close', () => closed.abort())
  socket.on('error', (error) => logger.info({ err: error }, 'a chat socket failed'))
  const writer = socketWriter(socket, () => {
    logger.info('a slow reader was disconnected')
    socket.close(closeCodes.slowConsumer, 'slow consumer')
  })
  let hasFailed = false
  const fail = (error: unknown): void => {
    if (hasFailed || closed.signal.aborted) return
    hasFailed = true
    logger.error({ err: error }, 'a frame could not be handled')
    writer.close(closeCodes.internal, 'internal error')
  }
  const conversation: Conversation = { ...writer, subject, closed: closed.signal, feeds: new Set(), fail }
  takeFrames(socket, {
    handle: (frame) => handle(dependencies, conversation, frame).catch(fail),
    delayMs: () => limits.frameDelayMs(subject),
    onPaced: () => logger.info('a client sends more frames than MAX_FRAMES_PER_SECOND; it is read more slowly'),
    onFlood() {
      logger.info('a client that flooded its socket was disconnected')
      void writer.send({ type: 'error', code: 'too_many_requests', message: 'too many frames at once' }).then(() => writer.close(closeCodes.tooManyRequests, 'too many requests'))
    },
  })
}

/** Takes one frame in. Answers stream on by themselves: what is waited for is that the frame was admitted, and its reply sent. */
async function handle(dependencies: ChatDependencies, conversation: Conversation, { kind, data }: IncomingFrame): Promise<void> {
  const { send, pong } = conversation
  if (kind === 'ping') return pong(data)
  const parsed = kind === 'binary' ? ({ ok: false, code: 'malformed_frame', message: 'frames are text' } as const) : parseClientFrame(data.toString('utf8'))
  if (!parsed.ok) return send({ type: 'error', code: parsed.code, message: parsed.message })
  const { frame } = parsed
  switch (frame.type) {
    case 'prompt':
      return prompt(dependencies, conversation, frame)
    case 'resume':
      return resume(dependencies, conversation, frame)
    case 'cancel':
      return cancel(dependencies, conversation, frame.requestId)
    case 'approve':
    case 'deny':
      return send({ type: 'error', code: 'approval_unknown', message: 'there is no approval with this id' })
    case 'ping':
      return send({ type: 'pong' })
    default:
      return frame satisfies never
  }
}

async function prompt(dependencies: ChatDependencies, conversation: Conversation, frame: Extract<ClientFrame, { type: 'prompt' }>): Promise<void> {
  const { gate, limits, newId, logger } = dependencies
  const { subject, send, close } = conversation
  const { type: _, requestId = newId(), ...rest } = frame
  if (!(await limits.prompt(subject))) {
    await send({ type: 'error', requestId, code: 'too_many_requests', message: 'too many prompts in a minute; wait and ask again' })
    return close(closeCodes.tooManyRequests, 'too many requests')
  }
  const release = limits.inFlight(subject)
  if (!release) return send({ type: 'error', requestId, code: 'too_many_in_flight', message: 'too many answers are under way; wait for one to end' })
  let isStreaming = false
  try {
    logger.info({ requestId, subject, characters: rest.text.length }, 'prompt received')
    const result = await gate.execute(SubmitPrompt, { requestId, ...rest }, { commandId: requestId, principal: subject, requestId, traceparent: newTraceparent() })
    if (result.result !== 'appended' && result.result !== 'duplicate') return await tell(send, requestId, result)
    const first = result.events[0]?.position
    if (!first) return
    isStreaming = true
    feed(dependencies, conversation, requestId, first, null).finally(release).catch(conversation.fail)
  } finally {
    if (!isStreaming) release()
  }
}

async function resume(dependencies: ChatDependencies, conversation: Conversation, { requestId, lastEventId }: Extract<ClientFrame, { type: 'resume' }>): Promise<void> {
  const { subject, send, feeds, fail } = conversation
  const point = lastEventId ? parseResumePoint(lastEventId) : null
  if (lastEventId && !point) return send({ type: 'error', requestId, code: 'bad_resume_point', message: 'lastEventId is not an id that this server sent' })
  if (feeds.size >= dependencies.limits.maxFeedsPerSocket) return send({ type: 'error', requestId, code: 'too_many_in_flight', message: 'too many answers are streamed on this socket; wait for one to end' })
  const first = await dependencies.firstPosition(subject, requestId)
  if (!first) return send({ type: 'error', requestId, code: 'prompt_unknown', message: 'there is no such prompt' })
  feed(dependencies, conversation, requestId, first, point).catch(fail)
}

async function cancel({ gate, newId }: ChatDependencies, { subject, send }: Conversation, requestId: Uuid7): Promise<void> {
  await tell(send, requestId, await gate.execute(CancelPrompt, { requestId }, { commandId: newId(), principal: subject, requestId }))
}

async function feed(dependencies: ChatDependencies, { send, closed, feeds }: Conversation, requestId: Uuid7, first: Position, seen: ResumePoint | null): Promise<void> {
  if (feeds.has(requestId)) return
  feeds.add(requestId)
  try {
    for await (const frame of answerFeed(dependencies, requestId, first, seen, closed)) await send(frame)
  } finally {
    feeds.delete(requestId)
  }
}

/** Says why a command was not done; silent when it was. */
async function tell(send: SocketWriter['send'], requestId: Uuid7, result: CommandResult): Promise<void> {
  if (result.result === 'refused') await send({ type: 'error', requestId, code: result.code, message: result.code.replaceAll('_', ' ') })
  if (result.result === 'rejected') await send({ type: 'error', requestId, code: result.code, message: result.message })
}
