import type { z } from 'zod'
import { ClientError } from '../client/client-error.ts'
import type { CommandOutcome } from '../client/execute.ts'
import type { Config } from '../platform/config/config.ts'
import { cliErrorOf, findCouncil } from './council-client.ts'
import { CliError } from './failure.ts'

/** The HTTP API of a running council, as the command line uses it: failures and refusals are CliErrors. */
export type CouncilApi = {
  /** Reads a path. Throws CliError with the code of the problem. */
  get: <Body>(path: string, schema: z.ZodType<Body>) => Promise<Body>
  /** Reads a list, page after page. Throws CliError with the code of the problem. */
  rows: <Row>(path: string, name: string, schema: z.ZodType<Row>, query: Record<string, string>) => AsyncGenerator<Row>
  /** Executes a command, under a new id by default. Throws CliError with the code of the refusal. */
  execute: (name: string, fields: object, commandId?: string) => Promise<Done>
}

export type Done = Exclude<CommandOutcome, { result: 'refused' | 'rejected' }>

/** Finds the server as `council chat` does. Throws CliError `no_council`. */
export function councilApi(config: Pick<Config, 'client' | 'council'>): CouncilApi {
  const { client } = findCouncil(config)
  const reading = { retryForMs: 0 }
  return {
    async get(path, schema) {
      return (await client.read(path, { ...reading, parse: (body) => schema.parse(body) }).catch(fail)).body
    },
    async *rows(path, name, schema, query) {
      try {
        yield* client.rows(path, name, { ...reading, query, parse: (row) => schema.parse(row) })
      } catch (error) {
        fail(error)
      }
    },
    async execute(name, fields, commandId) {
      const key = commandId === undefined ? {} : { key: commandId }
      const outcome = await client.execute(name, fields, key).catch(fail)
      if (outcome.result === 'refused' || outcome.result === 'rejected')
        throw new CliError({ fromServer: outcome.code }, outcome.message)
      return outcome
    },
  }
}

function fail(error: unknown): never {
  if (!(error instanceof ClientError)) throw error
  // One try without an answer: there is no connection that could come back.
  throw error.code === 'connection_lost' ? new CliError('no_council', error.message) : cliErrorOf(error)
}
