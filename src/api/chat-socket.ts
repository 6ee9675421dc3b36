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
import { parseClientFrame, parseResumePoint, type ClientFrame, type ResumePoint, type ServerFrame } from './frames.ts'
import type { SubjectLimits } from './limits.ts'

export const closeCodes = { policy: 1008, tooBig: 1009, internal: 1011, restart: 1012, slowConsumer: 1013, tooManyRequests: 4029 } as const

/** A reader that takes nothing for so long is slow; its answer is safe, and it may come back and resume. */
const slowConsumerMs = 10_000

export type ChatDependencies = FeedDependencies & {
  gate: CommandGate
  limits: SubjectLimits
  newId: () => Uuid7
  logger: Logger
  /** Where an answer of this principal begins; null when it has none under this id. */
  firstPosition: (principal: string, requestId: Uuid7) => Promise<Position | null>
}

/**
 * One socket of `/ws/chat`. Handlers are attached before anything is awaited, since messages that come meanwhile
 * would be lost. A dropped socket is not a cancel: answers go on, and any socket may resume them.
 */
export function serveChat(dependencies: ChatDependencies, socket: WebSocket, principal: Principal): void {
  const { gate, limits, newId, logger } = dependencies
  const closed = new AbortController()
  const feeds = new Set<Uuid7>()
  socket.on('close', () => closed.abort())
  socket.on('error', (error) => logger.info({ err: error }, 'a chat socket failed'))
  socket.on('message', (data, isBinary) => {
    handle(isBinary ? null : String(data)).catch((error: unknown) => {
      logger.error({ err: error }, 'a frame could not be handled')
      socket.close(closeCodes.internal, 'internal error')
    })
  })

  async function handle(text: string | null): Promise<void> {
    const parsed = text === null ? ({ ok: false, code: 'malformed_frame', message: 'frames are text' } as const) : parseClientFrame(text)
    if (!parsed.ok) return send({ type: 'error', code: parsed.code, message: parsed.message })
    const { frame } = parsed
    switch (frame.type) {
      case 'prompt':
        return prompt(frame)
      case 'resume':
        return resume(frame)
      case 'cancel':
        return tell(frame.requestId, await gate.execute(CancelPrompt, { requestId: frame.requestId }, contextOf(frame.requestId, newId())))
      case 'approve':
      case 'deny':
        return send({ type: 'error', code: 'approval_unknown', message: 'there is no approval with this id' })
      case 'ping':
        return send({ type: 'pong' })
      default:
        return frame satisfies never
    }
  }

  async function prompt({ type: _type, requestId = newId(), ...rest }: Extract<ClientFrame, { type: 'prompt' }>): Promise<void> {
    if (!(await limits.prompt(principal.subject))) {
      await send({ type: 'error', requestId, code: 'too_many_requests', message: 'too many prompts in a minute; wait and ask again' })
      return socket.close(closeCodes.tooManyRequests, 'too many requests')
    }
    const release = limits.inFlight(principal.subject)
    if (!release) return send({ type: 'error', requestId, code: 'too_many_in_flight', message: 'too many answers are under way; wait for one to end' })
    try {
      const line = logger.child({ requestId })
      line.info({ characters: rest.text.length, subject: principal.subject }, 'prompt received')
      const result = await gate.execute(SubmitPrompt, { requestId, ...rest }, { ...contextOf(requestId, requestId), traceparent: newTraceparent() })
      if (result.result !== 'appended' && result.result !== 'duplicate') return await tell(requestId, result)
      const first = result.events[0]?.position
      if (first) await feed(requestId, first, null)
    } finally {
      release()
    }
  }

  async function resume({ requestId, lastEventId }: Extract<ClientFrame, { type: 'resume' }>): Promise<void> {
    const point = lastEventId ? parseResumePoint(lastEventId) : null
    if (lastEventId && !point) return send({ type: 'error', requestId, code: 'bad_resume_point', message: 'lastEventId is not an id that this server sent' })
    const first = await dependencies.firstPosition(principal.subject, requestId)
    if (!first) return send({ type: 'error', requestId, code: 'prompt_unknown', message: 'there is no such prompt' })
    await feed(requestId, first, point)
  }

  async function feed(requestId: Uuid7, first: Position, seen: ResumePoint | null): Promise<void> {
    if (feeds.has(requestId)) return
    feeds.add(requestId)
    try {
      for await (const frame of answerFeed(dependencies, requestId, first, seen, closed.signal)) await send(frame)
    } finally {
      feeds.delete(requestId)
    }
  }

  /** Says why a command was not done; silent when it was. */
  async function tell(requestId: Uuid7, result: CommandResult): Promise<void> {
    if (result.result === 'refused') await send({ type: 'error', requestId, code: result.code, message: result.code.replaceAll('_', ' ') })
    if (result.result === 'rejected') await send({ type: 'error', requestId, code: result.code, message: result.message })
  }

  /** Resolves when the frame has left for the network: so an answer is read no faster than its reader takes it. */
  function send(frame: ServerFrame): Promise<void> {
    if (socket.readyState !== socket.OPEN) return Promise.resolve()
    return new Promise((resolve) => {
      const slow = setTimeout(() => {
        logger.info({ subject: principal.subject }, 'a slow reader was disconnected')
        socket.close(closeCodes.slowConsumer, 'slow consumer')
        socket.terminate()
        resolve()
      }, slowConsumerMs)
      socket.send(JSON.stringify(frame), () => {
        clearTimeout(slow)
        resolve()
      })
    })
  }

  const contextOf = (requestId: Uuid7, commandId: Uuid7) => ({ commandId, principal: principal.subject, requestId })
}
