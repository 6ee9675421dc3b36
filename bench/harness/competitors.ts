import { openBenchCouncil } from './bench-council.ts'
import { checkLog } from './check-log.ts'
import type { Load, Measured } from './closed-loop.ts'
import type { GateReply, GateRequest } from './gate-process.ts'
import type { MeasuredProcess } from './measured-process.ts'
import { redisBenchmark, type LimitMeasured } from './redis-benchmark.ts'
import { redisCpuMicros } from './redis-cpu.ts'
import type { RedisServer } from './redis-server.ts'

export type GateProcess = MeasuredProcess<GateRequest, GateReply>
export type PeerProcess = MeasuredProcess<
  { load: Load; streams: 'unique' | 'hot'; councilId: string },
  Measured & { events: number }
>

export const perSecond = ({ commands, seconds }: Measured): number => commands / seconds

let logs = 0
/** A log that nothing was written to yet. */
export const freshCouncilId = (): string => `bench${++logs}`

/** A gate's run, with what Redis worked for it and the other gates of this run together. */
export type Deposits = GateReply & { redisCpuMicros: number }

/** Deposits by one or more gate processes at once on one fresh log, which is checked, and then removed, before this resolves. */
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
  const worked = (await redisCpuMicros(council)) - before
  await checkLog(
    council,
    replies.reduce((sum, { outcomes }) => sum + (outcomes['appended'] ?? 0), 0),
  )
  // At once, in this turn of the server: freeing it in the background would be somebody else's burden.
  await council.redis.flushall('SYNC')
  council.close()
  return replies.map((reply) => ({ ...reply, redisCpuMicros: worked }))
}

/** Bare XADDs of the same bytes through the client that the gate uses: what is left of the limit in a program like ours. */
export async function xaddsOf(server: RedisServer, gate: GateProcess, load: Load): Promise<Measured> {
  const councilId = freshCouncilId()
  const measured = await gate.ask({ do: 'xadd', councilId, load })
  const { redis, close } = await openBenchCouncil(server.url, councilId)
  await redis.flushall('SYNC')
  close()
  return measured
}

export type Limits = LimitMeasured & { redisCpuMicrosEach: number }

/** The limit for about so long: how many commands that takes is known from the last time. */
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
    const redisCpuMicrosEach = ((await redisCpuMicros(council)) - before) / count
    rates.set(key, measured.perSecond)
    await council.redis.flushall('SYNC')
    council.close()
    return { ...measured, redisCpuMicrosEach }
  }
}
