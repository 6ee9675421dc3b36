import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { watchProcesses } from './process-usage.ts'
import { startClients, startPacedModel, startStreamingCouncil, type Clients } from './streaming-council.ts'

/** One process of the council has at most 1,000 answers in progress (WORKER_CONCURRENCY). */
const workers = 2
const maxAnswers = 2_000

export const processNames = ['model', 'clients', 'api', 'worker 1', 'worker 2', 'redis', 'ephemeral redis'] as const
export type ProcessName = (typeof processNames)[number]
export const isOwn = (name: ProcessName): boolean => name !== 'model' && name !== 'clients'

/** A council whose roles have processes of their own, its clients and its model. */
export type FanOutCouncil = {
  url: string
  clients: Clients
  watch: ReturnType<typeof watchProcesses<ProcessName>>
  ephemeralUrl: string
  /** Empties the ephemeral Redis. No answer may be in progress. */
  forgetTokens: () => Promise<void>
  settings: Record<string, unknown>
  stop: () => Promise<void>
}

export async function fanOutCouncil(dataFolder: string): Promise<FanOutCouncil> {
  const model = await startPacedModel()
  const roles = ['api', ...Array.from({ length: workers }, () => 'worker')]
  const council = await startStreamingCouncil(dataFolder, roles, model.url, { answers: maxAnswers })
  const clients = await startClients()
  const [api, ...others] = council.processes.map(({ pid }) => pid)
  const watch = watchProcesses<ProcessName>({
    model: model.pid,
    clients: clients.pid,
    api: api ?? 0,
    'worker 1': others[0] ?? 0,
    'worker 2': others[1] ?? 0,
    redis: council.redis.pid(),
    'ephemeral redis': council.ephemeral.pid(),
  })
  const redis = connectRedis({ url: council.ephemeral.url, role: 'command', name: 'bench', logger: silentLogger })
  await whenRedisReady(redis, 60_000)
  return {
    url: council.processes[0]?.url ?? '',
    clients,
    watch,
    ephemeralUrl: council.ephemeral.url,
    forgetTokens: async () => void (await redis.flushall('SYNC')),
    settings: council.settings,
    stop: async () => {
      redis.disconnect()
      await clients.stop()
      await council.stop()
      await model.stop()
    },
  }
}
