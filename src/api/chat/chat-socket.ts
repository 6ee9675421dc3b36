import type { WebSocket } from '@fastify/websocket'
import { DenyApproval } from '../../commands/approval/deny-approval.ts'
import { GrantApproval } from '../../commands/approval/grant-approval.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { Uuid7, type Position } from '../../events/identifiers.ts'
import { LogStopped } from '../../events/log/log.ts'
import type { Logger } from '../../platform/logger.ts'
import type { TokenScope } from '../../events/token.ts'
import type { WatchIdentity } from '../access/watch-identity.ts'
import { seesAllChats, type Identity } from '../access/identity.ts'
import { cancelPrompt } from './cancel-prompt.ts'
import { answerFeed, type FeedDependencies } from './answer-feed.ts'
import type { FindPrompt } from './find-prompt.ts'
import { frameScopes } from './frame-scopes.ts'
import { socketTopics, type SocketTopics } from '../live/socket-topics.ts'
import type { LiveTopics } from '../live/live-topics.ts'
import { parseClientFrame, parseResumePoint, type ClientFrame, type ResumePoint, type ServerFrame } from './frames.ts'
import { hiddenApproval } from './hidden-approval.ts'
import type { SubjectLimits } from '../limits.ts'
import { takeFrames, type IncomingFrame } from './frame-intake.ts'
import { socketWriter, type SocketWriter } from './socket-writer.ts'
import { submitPrompt } from './submit-prompt.ts'

export const closeCodes = {
  policy: 1008,
  restart: 1012,
  slowConsumer: 1013,
  signedOut: 4001,
  scopeMissing: 4003,
  tooManyRequests: 4029,
} as const

export type ChatDependencies = FeedDependencies & {
  gate: CommandGate
  limits: SubjectLimits
  newId: () => Uuid7
  logger: Logger
  findPrompt: FindPrompt
  watch: WatchIdentity
  live: LiveTopics
}

/** One socket while it is open. */
type Conversation = SocketWriter & {
  identity: Identity
  closed: AbortSignal
  feeds: Map<Uuid7, Feed>
  topics: SocketTopics
  /** Reports an internal failure of one request to the client; other answers on the socket continue. Logs the first per socket. */
  fail: (error: unknown, requestId: Uuid7 | undefined) => Promise<void>
}

/** An answer that a socket is streaming. */
type Feed = { stop: () => void; ended: Promise<unknown> }

/**
 * Serves one socket of `/ws/chat`. Attaches handlers before awaiting anything, since messages that arrive earlier would be lost. A
 * dropped socket cancels nothing: answers continue, and any socket may resume them.
 */
export function serveChat(dependencies: ChatDependencies, socket: WebSocket, identity: Identity): void {
  const { limits } = dependencies
  const { subject } = identity
  const logger = dependencies.logger.child({ subject })
  const closed = new AbortController()
  socket.on('close', () => closed.abort())
  socket.on('error', (error) => logger.info({ err: error }, 'a chat socket failed'))
  const writer = socketWriter(socket, () => {
    logger.info('a slow reader was disconnected')
    socket.close(closeCodes.slowConsumer, 'slow consumer')
  })
  const unwatch = dependencies.watch(identity, () => {
    logger.info('the token or session of a socket has ended')
    writer.close(closeCodes.signedOut, 'signed out')
  })
  socket.on('close', unwatch)
  let hasFailed = false
  const fail: Conversation['fail'] = async (error, requestId) => {
    if (closed.signal.aborted) return
    if (!hasFailed) logger.error({ err: error, requestId }, 'a frame could not be handled')
    hasFailed = true
    const [code, message] =
      error instanceof LogStopped
        ? ['log_stopped', error.message]
        : ['internal', 'the server failed; its log has the cause']
    await writer.send({ type: 'error', ...(requestId && { requestId }), code, message })
  }
  const topics = socketTopics(dependencies.live, identity, writer.send)
  socket.on('close', topics.end)
  const conversation: Conversation = { ...writer, identity, closed: closed.signal, feeds: new Map(), topics, fail }
  takeFrames(socket, {
    handle: (frame) => handle(dependencies, conversation, frame),
    delayMs: () => limits.frameDelayMs(subject),
    onPaced: () => logger.info('a client exceeds MAX_FRAMES_PER_SECOND; its socket is read more slowly'),
    onFlood() {
      logger.info('a client that flooded its socket was disconnected')
      void writer
        .send({ type: 'error', code: 'too_many_requests', message: 'too many frames at once' })
        .then(() => writer.close(closeCodes.tooManyRequests, 'too many requests'))
    },
  })
}

/** Admits one frame and sends its reply. Does not wait for the answer, which streams independently. */
async function handle(
  dependencies: ChatDependencies,
  conversation: Conversation,
  { kind, data }: IncomingFrame,
): Promise<void> {
  const { send, pong } = conversation
  if (kind === 'ping') return pong(data)
  const parsed =
    kind === 'binary'
      ? ({ ok: false, code: 'malformed_frame', message: 'frames are text' } as const)
      : parseClientFrame(data.toString('utf8'))
  if (!parsed.ok) return send({ type: 'error', code: parsed.code, message: parsed.message })
  const { frame } = parsed
  const scope = frameScopes[frame.type]
  if (scope !== null && !conversation.identity.scopes.has(scope)) return send(withoutScope(frame, scope))
  try {
    await handleFrame(dependencies, conversation, frame)
  } catch (error) {
    await conversation.fail(error, requestIdOf(frame))
  }
}

const requestIdOf = (frame: ClientFrame): Uuid7 | undefined => ('requestId' in frame ? frame.requestId : undefined)

function withoutScope(frame: ClientFrame, scope: TokenScope): ServerFrame {
  const requestId = requestIdOf(frame)
  const message = `the token lacks the scope ${scope}`
  return { type: 'error', ...(requestId && { requestId }), code: 'scope_missing', message, scope }
}

async function handleFrame(
  dependencies: ChatDependencies,
  conversation: Conversation,
  frame: ClientFrame,
): Promise<void> {
  const { send, topics } = conversation
  switch (frame.type) {
    case 'prompt':
      return prompt(dependencies, conversation, frame)
    case 'resume':
      return resume(dependencies, conversation, frame)
    case 'cancel':
      return cancel(dependencies, conversation, frame.requestId)
    case 'approve':
    case 'deny':
      return decide(dependencies, conversation, frame)
    case 'subscribe':
      return topics.subscribe(frame)
    case 'unsubscribe':
      return topics.unsubscribe(frame.topics)
    case 'ping':
      return send({ type: 'pong' })
    default:
      return frame satisfies never
  }
}

async function prompt(
  dependencies: ChatDependencies,
  conversation: Conversation,
  frame: Extract<ClientFrame, { type: 'prompt' }>,
): Promise<void> {
  const { identity, send, close } = conversation
  const { type: _, requestId = dependencies.newId(), ...rest } = frame
  if (conversation.feeds.has(requestId))
    return send({
      type: 'error',
      requestId,
      code: 'already_streaming',
      message: 'this socket already streams that answer',
    })
  const submitted = await submitPrompt(dependencies, identity.subject, { id: requestId }, rest)
  if (submitted.ok) {
    const { first, release } = submitted
    void answered(conversation, requestId, feed(dependencies, conversation, requestId, first, null)).finally(release)
    return
  }
  const { why } = submitted
  if (why.result !== 'limited') return sendFailure(send, requestId, why)
  await send({ type: 'error', requestId, code: why.code, message: why.message })
  if (why.code === 'too_many_requests') close(closeCodes.tooManyRequests, 'too many requests')
}

async function resume(
  dependencies: ChatDependencies,
  conversation: Conversation,
  { requestId, lastEventId }: Extract<ClientFrame, { type: 'resume' }>,
): Promise<void> {
  const { identity, send, feeds } = conversation
  const point = lastEventId ? parseResumePoint(lastEventId) : null
  if (lastEventId && !point)
    return send({
      type: 'error',
      requestId,
      code: 'bad_resume_point',
      message: 'lastEventId is not an id that this server sent',
    })
  if (feeds.size >= dependencies.limits.maxFeedsPerSocket && !feeds.has(requestId))
    return send({
      type: 'error',
      requestId,
      code: 'too_many_in_flight',
      message: 'this socket streams too many answers; wait for one to end',
    })
  const prompt = await dependencies.findPrompt(identity, requestId)
  if (!prompt.found) return send({ type: 'error', requestId, code: prompt.code, message: prompt.message })
  void feed(dependencies, conversation, requestId, prompt.first, point)
}

async function cancel(
  dependencies: ChatDependencies,
  { identity, send }: Conversation,
  requestId: Uuid7,
): Promise<void> {
  if (!seesAllChats(identity)) {
    const prompt = await dependencies.findPrompt(identity, requestId)
    if (!prompt.found) return send({ type: 'error', requestId, code: prompt.code, message: prompt.message })
  }
  await sendFailure(send, requestId, await cancelPrompt(dependencies, identity.subject, requestId))
}

/** Decides about an approval in the name of the socket's subject. */
async function decide(
  { gate, newId, findPrompt }: ChatDependencies,
  { identity, send }: Conversation,
  frame: Extract<ClientFrame, { type: 'approve' | 'deny' }>,
): Promise<void> {
  const id = Uuid7.safeParse(frame.approvalId)
  if (!id.success)
    return send({ type: 'error', code: 'approval_unknown', message: 'there is no approval with this id' })
  const approvalId = id.data
  const hidden = await hiddenApproval({ gate, findPrompt }, identity, approvalId)
  if (hidden) return send({ type: 'error', code: hidden.code, message: hidden.message })
  const context = { commandId: newId(), principal: identity.subject }
  const isGrant = frame.type === 'approve'
  const result = isGrant
    ? await gate.execute(
        GrantApproval,
        { approvalId, ...(frame.argumentsHash !== undefined && { argumentsHash: frame.argumentsHash }) },
        context,
      )
    : await gate.execute(DenyApproval, { approvalId, reason: frame.reason ?? 'denied in the chat' }, context)
  if ('code' in result) return sendFailure(send, undefined, result)
  await send({ type: 'decided', approvalId, decision: isGrant ? 'granted' : 'denied' })
}

/** Resolves when an answer has ended, including feeds that a `resume` put in place of the first. */
async function answered({ feeds }: Conversation, requestId: Uuid7, first: Promise<void>): Promise<void> {
  await first
  for (let next = feeds.get(requestId); next; next = feeds.get(requestId)) await next.ended
}

/**
 * Streams an answer until it ends. First stops another feed of the same answer on this socket and sends `resumed`; each frame after
 * that comes once. Never rejects.
 */
async function feed(
  dependencies: ChatDependencies,
  { send, closed, feeds, fail }: Conversation,
  requestId: Uuid7,
  first: Position,
  seen: ResumePoint | null,
): Promise<void> {
  // Not AbortSignal.any: each frame looks at the signal, and a composite one looks at its sources every time.
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  closed.addEventListener('abort', stop, { once: true })
  if (closed.aborted) stop()
  const ended = Promise.withResolvers<undefined>()
  const before = feeds.get(requestId)
  const own: Feed = { stop, ended: ended.promise }
  feeds.set(requestId, own)
  try {
    if (before) {
      before.stop()
      await before.ended
      if (!stopping.signal.aborted) await send({ type: 'resumed', requestId })
    }
    for await (const frame of answerFeed(dependencies, requestId, first, seen, stopping.signal)) await send(frame)
  } catch (error) {
    await fail(error, requestId)
  } finally {
    closed.removeEventListener('abort', stop)
    if (feeds.get(requestId) === own) feeds.delete(requestId)
    ended.resolve(undefined)
  }
}

/** Sends the reason when a command was refused or rejected. */
async function sendFailure(
  send: SocketWriter['send'],
  requestId: Uuid7 | undefined,
  result: CommandResult,
): Promise<void> {
  const about = requestId && { requestId }
  if (result.result === 'refused')
    await send({ type: 'error', ...about, code: result.code, message: result.code.replaceAll('_', ' ') })
  if (result.result === 'rejected') await send({ type: 'error', ...about, code: result.code, message: result.message })
}
