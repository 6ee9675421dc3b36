import type { ClientFrame, ServerFrame } from '../api/chat/frames.ts'
import { streamAnswer, type Ending, type Prompt, type Resume } from './answer.ts'
import { openConnection } from './connection.ts'
import { execute, type CommandOutcome, type ExecuteOptions } from './execute.ts'
import { followFrames } from './follow.ts'
import { newId } from './new-id.ts'
import { read, rows, type ReadAnswer, type ReadOptions } from './read.ts'
import { pauseFor, type Loss, type Reconnecting } from './reconnect.ts'
import type { ServerAddress } from './server-address.ts'
import type { ReceivedFrame } from './server-frame.ts'
import { platformSocket, type OpenSocket } from './socket.ts'
import { followTopics, type Subscription } from './subscribe.ts'

export type ClientSettings = {
  /** Of the HTTP API: `https://council.example`. */
  url: string
  /** Omit it in a page that is signed in: the browser sends its cookie. */
  token?: string
  /** Names the server in messages; by default `at <url>`. */
  shownAs?: string
  /**
   * Opens a WebSocket; by default the platform's own. In Node, the package `ws` tells more about a handshake that fails:
   * `(url, protocol, headers) => new WebSocket(url, protocol, { headers })`.
   */
  openSocket?: OpenSocket
}

export type Question = {
  /** 1 to 16,000 characters. */
  text: string
  /** A UUIDv7, new by default: the same id asks the same question once, however often it is sent. */
  requestId?: string
  /** Groups prompts into a conversation, in which the model sees the earlier turns. */
  conversationId?: string
  /** By default the council decides. */
  path?: 'fast' | 'full'
}

export type StreamOptions = {
  /** Cancels the prompt of `ask` when it aborts, and ends `resume` and `follow`. */
  signal?: AbortSignal
  /** Called whenever the connection is lost and will be tried again. */
  onLost?: (loss: Loss) => void
}

/** An answer while it streams. It can be iterated once. */
export type Answer = AsyncIterable<ServerFrame> & {
  requestId: string
  /**
   * Every frame as it came: also those of a type that this client does not know, and each with its `id`, from which
   * another client may resume. Use it instead of iterating the answer itself.
   */
  received: () => AsyncGenerator<ReceivedFrame, Ending>
  /** Reads on to the last frame: `completed`, `failed` or `cancelled`. */
  ending: () => Promise<Ending>
}

export type CouncilClient = {
  /**
   * Asks a question. Frames come once each, in order, over any number of lost connections; the last one is `completed`,
   * `failed` or `cancelled`. Leaving the loop early, or aborting the signal, cancels the prompt.
   */
  ask: (question: Question, options?: StreamOptions) => Answer
  /** Reads an answer on from a frame's `id`, or from its beginning. Leaving the loop early cancels nothing. */
  resume: (requestId: string, options?: StreamOptions & { lastEventId?: string }) => Answer
  /**
   * Cancels a prompt of the same subject; resolves when that is durable. The ending `cancelled` follows on the streams
   * of the answer. Otherwise the server's code: `prompt_unknown`, `prompt_finished` or another one.
   */
  cancel: (
    requestId: string,
    options?: StreamOptions,
  ) => Promise<{ cancelled: true } | { cancelled: false; code: string }>
  /** Executes a command once, with retries under one Idempotency-Key. Refusals are values. */
  execute: (name: string, fields: object, options?: ExecuteOptions) => Promise<CommandOutcome>
  /** Lets an action that waits for a person run; with `argumentsHash`, only with the arguments that you saw. */
  approve: (approvalId: string, options?: ExecuteOptions & { argumentsHash?: string }) => Promise<CommandOutcome>
  /** Refuses an action that waits for a person; the reason, of at most 500 characters, is recorded. */
  deny: (approvalId: string, reason: string, options?: ExecuteOptions) => Promise<CommandOutcome>
  /** Reads `GET /v1/…`: `read('/v1/mode')`. Throws ClientError with the code of the server's problem. */
  read: <Body = unknown>(path: string, options?: ReadOptions<Body>) => Promise<ReadAnswer<Body>>
  /** All rows of a list, over its pages: `rows('/v1/approvals', 'approvals')`. Throws as `read` does. */
  rows: <Row = unknown>(path: string, name: string, options?: ReadOptions<Row>) => AsyncGenerator<Row>
  /**
   * Follows topics: the whole value of each, then each new one, over lost connections. A topic is the address of a query without `/v1/`:
   * `subscribe(['budgets', 'approvals?status=waiting'])`. `onLive` is called when a connection follows all of them.
   */
  subscribe: (topics: readonly string[], options?: StreamOptions & { onLive?: () => void }) => Subscription
  /**
   * Everything that the server sends on one connection after another, until the signal aborts. `hello` makes the frames
   * to send first on each of them, such as a `resume` of every answer that is followed. Frames of a type that this
   * client does not know have only their `raw` form.
   */
  follow: (hello: () => readonly ClientFrame[], options?: StreamOptions) => AsyncGenerator<ReceivedFrame, void>
}

/**
 * A client of a council, for programs and browsers; docs/client.md has an example. It keeps no connection open between
 * calls. Its promises reject, and its iterators throw, with `ClientError` alone: its `code` is one of
 * `clientErrorCodes`, or that of the server's problem.
 */
export function councilClient({ url, token, shownAs, openSocket = platformSocket }: ClientSettings): CouncilClient {
  const base = url.replace(/\/+$/, '')
  const server: ServerAddress = { url: base, token: token ?? null, shownAs: shownAs ?? `at ${base}` }
  const reconnecting = ({ signal, onLost }: StreamOptions): Reconnecting => ({
    connect: () => openConnection(server, openSocket),
    pause: pauseFor,
    onLost: onLost ?? (() => undefined),
    signal: signal ?? new AbortController().signal,
  })
  // The server checks ids; a malformed one is answered by an error frame.
  const idOf = (text: string) => text as Prompt['requestId']
  const answer = (first: Prompt | Resume, options: StreamOptions) => answerTo(first, reconnecting(options))
  const command: CouncilClient['execute'] = (name, fields, options = {}) => execute(server, name, fields, options)

  return {
    ask: ({ requestId = newId(), ...question }, options = {}) =>
      answer({ type: 'prompt', requestId: idOf(requestId), ...question }, options),
    resume: (requestId, { lastEventId, ...options } = {}) =>
      answer(
        { type: 'resume', requestId: idOf(requestId), ...(lastEventId !== undefined && { lastEventId }) },
        options,
      ),
    cancel: (requestId, options = {}) => cancel(idOf(requestId), reconnecting(options)),
    execute: command,
    approve: (approvalId, { argumentsHash, ...options } = {}) =>
      command('GrantApproval', { approvalId, ...(argumentsHash !== undefined && { argumentsHash }) }, options),
    deny: (approvalId, reason, options) => command('DenyApproval', { approvalId, reason }, options),
    read: (path, options = {}) => read(server, path, options),
    rows: (path, name, options = {}) => rows(server, path, name, options),
    subscribe: (topics, { onLive = () => undefined, ...options } = {}) =>
      followTopics(topics, { ...reconnecting(options), onLive }),
    follow: (hello, options = {}) => followFrames(hello, reconnecting(options)),
  }
}

function answerTo(first: Prompt | Resume, dependencies: Reconnecting): Answer {
  const received = () => streamAnswer(first, dependencies)
  return {
    requestId: first.requestId,
    received,
    async ending() {
      const frames = received()
      for (;;) {
        const { done, value } = await frames.next()
        if (done) return value
      }
    },
    async *[Symbol.asyncIterator]() {
      for await (const { frame } of received()) if (frame) yield frame
    },
  }
}

/** Frames are handled in order, so the pong says that the cancellation before it is done. */
async function cancel(requestId: Prompt['requestId'], dependencies: Reconnecting): ReturnType<CouncilClient['cancel']> {
  const hello = (): ClientFrame[] => [{ type: 'cancel', requestId }, { type: 'ping' }]
  for await (const { frame } of followFrames(hello, dependencies)) {
    if (frame?.type === 'error') return { cancelled: false, code: frame.code }
    if (frame?.type === 'pong') break
  }
  return { cancelled: true }
}
