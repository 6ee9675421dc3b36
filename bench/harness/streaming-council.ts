import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSeating } from '../../src/agents/council/seating.ts'
import { startChildServer } from './child-server.ts'
import type { ClientReply, ClientRequest } from './client-process.ts'
import { freePort } from './free-port.ts'
import { nodeFlags, startMeasured, type MeasuredProcess } from './measured-process.ts'
import { postgresSettings, startPostgres } from './postgres-server.ts'
import { ephemeralRedisSettings, redisSettings, startRedis, type RedisServer } from './redis-server.ts'
import { serveCouncil, type ServedCouncil } from './served-council.ts'

export type Clients = MeasuredProcess<ClientRequest, ClientReply>

export const startClients = (): Promise<Clients> => startMeasured('harness/client-process.ts', [])

/** A council as operators run it, with its servers. */
export type StreamingCouncil = {
  /** By its roles, in the order of `roles`. */
  processes: ServedCouncil[]
  redis: RedisServer
  ephemeral: RedisServer
  settings: Record<string, unknown>
  stop: () => Promise<void>
}

/** The council's bound on an answer. */
export const maxTokens = 4096

/** The persona of the fast path. */
export const { persona } = parseSeating(JSON.parse(readFileSync('config/council.json', 'utf8'))).fastPath

/** Starts the servers, and one process of the council for each entry of `roles`. */
export async function startStreamingCouncil(
  dataFolder: string,
  roles: readonly string[],
  vllmUrl: string,
  { answers, settings = {} }: { answers: number; settings?: Record<string, string> },
): Promise<StreamingCouncil> {
  const redis = await startRedis(join(dataFolder, 'redis'))
  const ephemeral = await startRedis(join(dataFolder, 'redis-ephemeral'), ephemeralRedisSettings)
  const postgres = await startPostgres(join(dataFolder, 'postgres'))
  const stores = { redis: redis.url, ephemeral: ephemeral.url, postgres: postgres.url }
  const unlimited = '1000000'
  const council = {
    VLLM_URL: vllmUrl,
    VLLM_CONCURRENCY: String(answers),
    WORKER_CONCURRENCY: String(Math.min(1_000, answers)),
    ANSWER_MAX_TOKENS: String(maxTokens),
    MAX_SOCKETS_PER_SUBJECT: unlimited,
    MAX_COMMANDS_IN_FLIGHT: unlimited,
    MAX_PROMPTS_PER_MINUTE: unlimited,
    MAX_FRAMES_PER_SECOND: unlimited,
    ...settings,
  }
  const processes: ServedCouncil[] = []
  for (const [index, role] of roles.entries())
    processes.push(await serveCouncil(join(dataFolder, `council-${index}`), role, stores, council))
  return {
    processes,
    redis,
    ephemeral,
    settings: {
      roles,
      council: { ...council, VLLM_URL: 'the model' },
      redis: redisSettings,
      ephemeralRedis: ephemeralRedisSettings,
      postgres: { version: postgres.version, ...postgresSettings },
    },
    stop: async () => {
      for (const each of processes.toReversed()) await each.stop()
      await postgres.stop()
      await ephemeral.kill()
      await redis.kill()
    },
  }
}

/** The strict stand-in for vLLM, in a process of its own. It writes the answers that prompts order, and stamps each token when it sends it. */
export async function startPacedModel(): Promise<{ url: string; pid: number; stop: () => Promise<void> }> {
  const port = await freePort()
  const program = join(import.meta.dirname, '../../tests/support/vllm-stand-in/main.ts')
  const args = [...nodeFlags, program, '--port', String(port), '--max-model-len', '100000', '--orders']
  const server = await startChildServer({ command: process.execPath, args, cwd: import.meta.dirname }, /"url":/)
  return { url: `http://127.0.0.1:${port}`, pid: server.pid, stop: () => server.end('SIGTERM') }
}
