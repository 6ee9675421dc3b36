import { z } from 'zod'
import type { Config } from '../platform/config/config.ts'
import { messageOf } from '../platform/platform-error.ts'
import { newUuid7 } from '../platform/ids.ts'
import { findServer } from './chat/find-server.ts'
import { CliError } from './failure.ts'

/** The HTTP API of a running council, as the command line uses it. */
export type CouncilApi = {
  /** Reads a path. Throws CliError with the code of the problem. */
  get: <Body>(path: string, schema: z.ZodType<Body>) => Promise<Body>
  /** Executes a command under a new id. Throws CliError with the code of the refusal. */
  execute: (name: string, fields: object) => Promise<Done>
}

const Done = z.object({ result: z.string(), position: z.string().nullable(), approvalId: z.string().optional() })
export type Done = z.infer<typeof Done>
const Problem = z.object({ code: z.string(), detail: z.string() })

const answerWithinMs = 30_000

/** Finds the server as `council chat` does. Throws CliError `no_council`. */
export function councilApi(config: Pick<Config, 'client' | 'council'>): CouncilApi {
  const { url, token, shownAs } = findServer(config)
  const base = url.replace(/^ws/, 'http').replace(/\/ws\/chat$/, '')

  async function call<Body>(path: string, schema: z.ZodType<Body>, init: RequestInit): Promise<Body> {
    const headers = { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) }
    const signal = AbortSignal.timeout(answerWithinMs)
    const [status, body] = await fetch(`${base}${path}`, { ...init, headers, signal })
      .then(async (response) => [response.status, await response.json()] as const)
      .catch((error: unknown) => {
        throw new CliError('no_council', `the council ${shownAs} does not answer: ${messageOf(error)}`)
      })
    if (status < 300) return schema.parse(body)
    const problem = Problem.safeParse(body)
    if (problem.success) throw new CliError({ fromServer: problem.data.code }, problem.data.detail)
    throw new CliError('internal', `the council ${shownAs} answered with status ${status} and no problem`)
  }

  return {
    get: (path, schema) => call(path, schema, {}),
    execute: (name, fields) =>
      call(`/v1/commands/${name}`, Done, {
        method: 'POST',
        body: JSON.stringify(fields),
        headers: { 'content-type': 'application/json', 'idempotency-key': newUuid7() },
      }),
  }
}
