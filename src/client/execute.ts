import { ClientError } from './client-error.ts'
import { failureOf, problemOf, sendRequest, type HttpAnswer } from './http.ts'
import { malformed } from './server-frame.ts'
import { newId } from './new-id.ts'
import { integer, list, nullable, object, oneOf, record, ShapeError, text, type Shape } from './shape.ts'
import type { ServerAddress } from './server-address.ts'

/** An event that a command has appended. */
export type CommandEvent = { position: string; stream: string; revision: number; type: string }

/** `duplicate`: it was done before, under the same key. */
type Done = {
  result: 'appended' | 'duplicate'
  /** Of its last event: pass it as `after` to read your own write. Null: the command changed nothing. */
  position: string | null
  /** The newest revision of each stream that it wrote to. */
  revisions: Record<string, number>
  events: CommandEvent[]
}

/** It waits for a person: see `approvals` in docs/governance.md. */
type Waiting = { result: 'approval_required'; approvalId: string; position: string | null; events: CommandEvent[] }

/** A rule refused the command, for good: a repeat under the same key is refused again. `details` has the figures. */
type Refused = { result: 'refused'; code: string; message: string; details: Record<string, string | number> }

/**
 * The server did not take the command. With the code `outcome_unknown` it may have been done all the same: give it again
 * under the same key. With any other code nothing was done.
 */
type Rejected = { result: 'rejected'; code: string; message: string }

/** What became of a command. `key` is its Idempotency-Key, under which the same command may be given again. */
export type CommandOutcome = (Done | Waiting | Refused | Rejected) & { key: string }

export type ExecuteOptions = {
  /** 1 to 128 visible ASCII characters without spaces; by default a new UUIDv7. Make it once for each thing to be done. */
  key?: string
  /** For how long to try again after transient failures, in milliseconds; default 30,000. */
  retryForMs?: number
  signal?: AbortSignal
}

const events: Shape<CommandEvent[]> = list(
  object<CommandEvent>({ position: text, stream: text, revision: integer, type: text }),
)
const done = object<Done>({
  result: oneOf('appended', 'duplicate'),
  position: nullable(text),
  revisions: record(integer),
  events,
})
const waiting = object<Waiting>({
  result: oneOf('approval_required'),
  approvalId: text,
  position: nullable(text),
  events,
})

/**
 * Executes a command over HTTP. Every try has the same Idempotency-Key, so the command is done once, however often a
 * connection or a server fails meanwhile. Refusals and rejections are values. Throws ClientError `unauthorized`,
 * `no_council`, `malformed_frame`, `interrupted`, and with the server's code for a token without the scope and for a fault of the server.
 */
export async function execute(
  server: ServerAddress,
  name: string,
  fields: object,
  { key = newId(), retryForMs = 30_000, signal }: ExecuteOptions,
): Promise<CommandOutcome> {
  try {
    const answer = await sendRequest(server, {
      method: 'POST',
      path: `/v1/commands/${encodeURIComponent(name)}`,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(fields),
      retryForMs,
      signal,
    })
    return { ...outcomeOf(answer, server), key }
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'connection_lost') throw error
    return { result: 'rejected', code: unknownOutcome, message: error.message, key }
  }
}

const unknownOutcome = 'outcome_unknown'
/** The server's rejections of a command; every other problem is no outcome. */
const rejectedWith = [400, 404, 409, 410, 413, 429, 503]

function outcomeOf(answer: HttpAnswer, server: ServerAddress): Done | Waiting | Refused | Rejected {
  const { status, body } = answer
  if (status === 200) return outcome(done, body)
  if (status === 202) return outcome(waiting, body)
  const problem = problemOf(answer)
  if (!problem) throw failureOf(answer, server)
  const { code, detail: message, details } = problem
  if (status === 422) return { result: 'refused', code, message, details }
  if (rejectedWith.includes(status)) return { result: 'rejected', code, message }
  throw failureOf(answer, server)
}

function outcome<T>(shape: Shape<T>, body: unknown): T {
  try {
    return shape(body, 'the outcome')
  } catch (error) {
    throw error instanceof ShapeError ? malformed(error.message) : error
  }
}
