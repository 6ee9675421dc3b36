import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { uuid7TimeMs } from '../../events/identifiers.ts'
import { LogStopped } from '../../events/log/log.ts'
import { identityOf } from '../access/check-access.ts'
import { answerFeed } from '../chat/answer-feed.ts'
import { cancelPrompt } from '../chat/cancel-prompt.ts'
import type { ChatDependencies } from '../chat/chat-socket.ts'
import { submitPrompt, type NotSubmitted } from '../chat/submit-prompt.ts'
import { parseCommandKey, type CommandKey } from '../commands/command-key.ts'
import type { Problem } from '../problem.ts'
import { rejectionProblem } from '../rejection.ts'
import { answerParts, type AnswerPart } from './answer-parts.ts'
import { chatCompletions } from './chat-completions.ts'
import { comment, type AnswerHead, type Dialect } from './dialect.ts'
import { errorOf, failureError, requestError, revokedError, sendError, stoppingError } from './errors.ts'
import { modelRoutes, openAiConfig } from './models.ts'
import { answerReaders, type AnswerReaders } from './readers.ts'
import { responses } from './responses.ts'
import { cutSlowReader } from './slow-reader.ts'

export type OpenAiDependencies = ChatDependencies & {
  /** For how many milliseconds a request waits for a person. */
  approvalWaitMs: number
  /** Monotonic. */
  elapsedMs: () => number
}

/** Longer conversations are refused anyway. */
const maxBodyBytes = 1024 * 1024
/** An answer that fails within this time gets a status of its own; after it, a stream has begun with 200. */
const holdHeadMs = 5_000
const keepAliveMs = 10_000
/** A client that takes nothing for this long is cut off. */
const slowReaderMs = 10_000

/** Routes of OpenAI's API, for clients that speak it. Every question is a prompt like any other. */
export function openAiRoutes(server: FastifyInstance, dependencies: OpenAiDependencies): void {
  const stopping = new AbortController()
  const config = { ...openAiConfig, scope: 'chat:send' } as const
  const readers = answerReaders((principal, requestId) =>
    cancelPrompt(dependencies, principal, requestId).catch((error: unknown) =>
      dependencies.logger.warn({ err: error, requestId }, 'a prompt without a reader could not be cancelled'),
    ),
  )
  server.addHook('preClose', async () => {
    readers.close()
    stopping.abort()
  })
  modelRoutes(server)
  for (const dialect of [chatCompletions, responses])
    server.post(dialect.route, { config, bodyLimit: maxBodyBytes }, (request, reply) =>
      handle({ ...dependencies, dialect, readers, stopping: stopping.signal }, request, reply),
    )
}

type Context = OpenAiDependencies & { dialect: Dialect; readers: AnswerReaders; stopping: AbortSignal }

async function handle(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const identity = identityOf(request)
  const principal = identity.subject
  const key = keyOf(request)
  if (key === 'malformed')
    return sendError(reply, requestError('invalid_type', null, 'Idempotency-Key: 1 to 128 visible ASCII characters'))
  const asked = context.dialect.read(request.body)
  if (!asked.ok) return sendError(reply, asked.error)
  const { question: text, context: given, path } = asked.value
  const prompt = { text, ...(path && { path }), ...(given && { context: given }) }
  const submitted = await submitPrompt(context, principal, key, prompt)
  if (!submitted.ok) {
    const error = errorOf(problemOf(submitted.why))
    // Without a key, a second request would be a second prompt.
    const isUncertain = submitted.why.code === 'outcome_unknown' && !key
    return sendError(reply, isUncertain ? { ...error, mayRetry: false } : error)
  }
  const { requestId, first, release } = submitted
  void reply.header('x-council-request-id', requestId)
  const head: AnswerHead = { requestId, createdSeconds: Math.floor(uuid7TimeMs(requestId) / 1_000), asked: asked.value }
  const left = new AbortController()
  const cutOff = new AbortController()
  const stop = (): void => cutOff.abort(stoppingError)
  context.stopping.addEventListener('abort', stop, { once: true })
  if (context.stopping.aborted) stop()
  const unwatch = context.watch(identity, () => cutOff.abort(revokedError))
  const parts = partsOf(context, answerFeed(context, requestId, first, null, left.signal), cutOff.signal)
  const stopReading = context.readers.add(requestId, principal)
  const close = (): void => {
    left.abort()
    context.stopping.removeEventListener('abort', stop)
    unwatch()
    void parts.return(undefined)
    stopReading(!reply.raw.writableFinished)
    release()
  }
  if (reply.raw.destroyed) close()
  else reply.raw.once('close', close)
  return asked.value.isStream ? stream(context, reply, head, parts) : answerWhole(context, reply, head, parts)
}

function problemOf(why: NotSubmitted): Problem {
  switch (why.result) {
    case 'limited':
      return { status: 429, code: why.code, detail: why.message, retryAfterSeconds: 1 }
    case 'refused':
      return { status: 409, code: why.code, detail: why.code.replaceAll('_', ' ') }
    case 'rejected':
      return rejectionProblem(why)
    default:
      return why satisfies never
  }
}

/** The caller's key; null without one. */
function keyOf({ headers }: FastifyRequest): CommandKey | 'malformed' | null {
  const header = headers['idempotency-key']
  return header === undefined ? null : (parseCommandKey(header) ?? 'malformed')
}

/** The parts of an answer; a feed that fails is a part too. */
async function* partsOf(
  { logger, approvalWaitMs, elapsedMs }: Context,
  feed: ReturnType<typeof answerFeed>,
  cutOff: AbortSignal,
): AsyncGenerator<AnswerPart> {
  try {
    yield* answerParts(feed, { idleMs: keepAliveMs, approvalWaitMs, cutOff, elapsedMs })
  } catch (error) {
    logger.error({ err: error }, 'an answer could not be read')
    const [code, message] =
      error instanceof LogStopped
        ? (['log_stopped', error.message] as const)
        : (['internal', 'the server failed; its log has the cause'] as const)
    yield { kind: 'failed', error: failureError(code, message) }
  }
}

async function answerWhole(
  { dialect }: Context,
  reply: FastifyReply,
  head: AnswerHead,
  parts: AsyncGenerator<AnswerPart>,
): Promise<FastifyReply> {
  for await (const part of parts) {
    if (part.kind === 'completed') return reply.send(dialect.answer(head, part.frame))
    if (part.kind === 'failed') return sendError(reply, part.error)
  }
  // The client has left, so no one reads this.
  return reply.send()
}

/** Streams an answer; one that fails before its first text, and soon, is an ordinary error. */
async function stream(
  { dialect }: Context,
  reply: FastifyReply,
  head: AnswerHead,
  parts: AsyncGenerator<AnswerPart>,
): Promise<FastifyReply> {
  const first = parts.next()
  const soon = await Promise.race([first, timeout(holdHeadMs)])
  if (soon && !soon.done && soon.value.kind === 'failed') return sendError(reply, soon.value.error)
  const writer = dialect.stream(head)
  async function* events(): AsyncGenerator<string> {
    yield writer.begin()
    for (let next = await first; !next.done; next = await parts.next()) yield eventOf(writer, next.value)
  }
  void reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache')
    // Proxies such as nginx would otherwise collect the events.
    .header('x-accel-buffering', 'no')
  return reply.send(Readable.from(cutSlowReader(events(), slowReaderMs, () => reply.raw.destroy())))
}

function eventOf(writer: ReturnType<Dialect['stream']>, part: AnswerPart): string {
  switch (part.kind) {
    case 'text':
      return writer.text(part.text)
    case 'idle':
      return comment(part.why)
    case 'completed':
      return writer.completed(part.frame)
    case 'failed':
      return writer.failed(part.error)
    default:
      return part satisfies never
  }
}

const timeout = (ms: number): Promise<null> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(null), ms).unref()
  })
