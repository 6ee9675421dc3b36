import { openBenchCouncil } from './bench-council.ts'
import { checkLog } from './check-log.ts'
import type { Load, Measured } from './closed-loop.ts'
import type { GateReply, GateRequest } from './gate-process.ts'
import type { MeasuredProcess } from './measured-process.ts'
import { redisBenchmark, type LimitMeasured } from './redis-benchmark.ts'
import { redisCpuMicros } from './redis-cpu.ts'
import type { RedisServer } from './redis-server.ts'

export type GateProcess = MeasuredProcess<GateRequest, GateReply>
export type EmmettProcess = MeasuredProcess<{ load: Load; streams: 'unique' | 'hot'; councilId: string }, Measured>
export type NatsProcess = MeasuredProcess<{ load: Load; councilId: string; batchSize: number }, Measured>

export const perSecond = ({ commands, seconds }: Measured): number => commands / seconds

let logs = 0
/** The id of a log that is still empty. */
export const freshCouncilId = (): string => `bench${++logs}`

/** `redisCpuMicros`: the CPU time of Redis for all gates of the run together. */
export type Deposits = GateReply & { redisCpuMicros: number }

/** One or more gate processes make deposits on one fresh log. The log is checked and removed before this resolves. */
export async function depositsOnFreshLog(
  server: RedisServer,
  gates: readonly GateProcess[],
  streams: 'unique' | 'hot',
  load: Load,
): Promise<Deposits[]> {
  const councilId = freshCouncilId()
  const council = await openBenchCouncil(server.url, councilId)
  const before = await redisCpuMicros(council)
  const replies = await Promise.all(gates.map((gate) => gate.ask({ do: 'deposit', councilId, streams, load })))
  const cpuMicros = (await redisCpuMicros(council)) - before
  await checkLog(
    council,
    replies.reduce((sum, { outcomes }) => sum + (outcomes['appended'] ?? 0), 0),
  )
  // SYNC, because freeing memory in the background would slow down the next measurement.
  await council.redis.flushall('SYNC')
  council.close()
  return replies.map((reply) => ({ ...reply, redisCpuMicros: cpuMicros }))
}

/** Bare XADDs of the same bytes through the gate's Redis client: the share of the limit that the client leaves. */
export async function xaddsOf(server: RedisServer, gate: GateProcess, load: Load): Promise<Measured> {
  const councilId = freshCouncilId()
  const measured = await gate.ask({ do: 'xadd', councilId, load })
  const { redis, close } = await openBenchCouncil(server.url, councilId)
  await redis.flushall('SYNC')
  close()
  return measured
}

export type Limits = LimitMeasured & { redisCpuMicrosEach: number }

/** Measures the limit for about `durationMs`. The previous rate tells how many commands that takes. */
export function limitRunner(
  server: RedisServer,
): (clients: number, pipeline: number, durationMs: number) => Promise<Limits> {
  const rates = new Map<string, number>()
  return async (clients, pipeline, durationMs) => {
    const key = `${clients}/${pipeline}`
    const commands = Math.round(((rates.get(key) ?? 2000) * durationMs) / 1000)
    const council = await openBenchCouncil(server.url, 'limit')
    const before = await redisCpuMicros(council)
    const count = Math.max(commands, clients * pipeline)
    const measured = await redisBenchmark(server.port, 'limit', { clients, pipeline, commands: count })
    const stored = await council.redis.xlen('limit')
    // redis-benchmark rounds the number up to whole pipelines.
    if (stored < count) throw new Error(`the run is void: redis-benchmark sent ${count} XADDs, Redis has ${stored}`)
    const redisCpuMicrosEach = ((await redisCpuMicros(council)) - before) / count
    rates.set(key, measured.perSecond)
    await council.redis.flushall('SYNC')
    council.close()
    return { ...measured, redisCpuMicrosEach }
  }
}
