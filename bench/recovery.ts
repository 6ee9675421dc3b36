import { join } from 'node:path'
import { isQuick } from './harness/arguments.ts'
import { openBenchCouncil } from './harness/bench-council.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import type { GateProcess } from './harness/competitors.ts'
import { payloadBytes } from './harness/deposit.ts'
import { startMeasured } from './harness/measured-process.ts'
import { redisSettings, startRedis, type RedisServer } from './harness/redis-server.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'

/**
 * `npm run bench:recovery`: kills Redis and the gate with a million events in the log, and measures the time until a command is
 * durable again. The limit is the time that Redis alone takes to load its file.
 */
const runs = isQuick ? 2 : 5
const events = isQuick ? 50_000 : 1_000_000
const councilId = 'recovery'
const maxFillMs = 900_000

async function measure(dataFolder: string): Promise<Figures> {
  const redis = await startRedis(join(dataFolder, 'redis'))
  let gate = await startGate(redis)
  await gate.ask({ do: 'fill', councilId, from: 0, to: events }, maxFillMs)

  const loadMs: number[] = []
  const answeringMs: number[] = []
  let acknowledged = events
  for (let run = 0; run < runs; run++) {
    await Promise.all([redis.kill(), gate.kill()])
    loadMs.push(await timeMs(redis.start))

    await redis.kill()
    answeringMs.push(
      await timeMs(async () => {
        // Both start at once, as under a supervisor: the gate waits for its Redis.
        const [started] = await Promise.all([startGate(redis), redis.start()])
        gate = started
        const { outcomes } = await gate.ask({
          do: 'deposit',
          councilId,
          streams: 'unique',
          load: { inFlight: 1, durationMs: 0 },
        })
        acknowledged += outcomes['appended'] ?? 0
      }),
    )
    await checkNothingLost(redis, acknowledged)
  }
  await gate.stop()
  await redis.kill()
  console.log(
    `The gate answers after ${rounded(spread(answeringMs))} ms; Redis alone loads its file in ${rounded(spread(loadMs))} ms`,
  )
  return {
    settings: { runs, events, payloadBytes, redis: redisSettings },
    figures: { answeringMs: spread(answeringMs), redisLoadMs: spread(loadMs) },
    ratios: { 'over the time in which Redis loads its file': ratioOf(answeringMs, loadMs) },
  }
}

const startGate = (redis: RedisServer): Promise<GateProcess> => startMeasured('harness/gate-process.ts', [redis.url])

async function timeMs(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await action()
  return performance.now() - startedAt
}

async function checkNothingLost(redis: RedisServer, acknowledged: number): Promise<void> {
  const council = await openBenchCouncil(redis.url, councilId)
  const found = await council.redis.xlen(council.keys.log)
  council.close()
  if (found !== acknowledged)
    throw new Error(`the run is void: ${acknowledged} events were acknowledged, the log has ${found}`)
}

await runBenchmark('recovery', measure)
