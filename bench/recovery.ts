import { join } from 'node:path'
import type { GateProcess } from './harness/competitors.ts'
import { makeDataFolder } from './harness/data-folder.ts'
import { payloadBytes } from './harness/deposit.ts'
import { openBenchCouncil } from './harness/bench-council.ts'
import { startMeasured } from './harness/measured-process.ts'
import { redisSettings, startRedis, type RedisServer } from './harness/redis-server.ts'
import { reportOf, type Figures } from './harness/report.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'

/**
 * `npm run bench:recovery`: Redis and the process before it are killed with a million events in the log; how long until a
 * command is durable again, beside the time that Redis alone takes to load its file. `--quick` is for development, and keeps no result.
 */
const isQuick = process.argv.includes('--quick')
const runs = isQuick ? 2 : 5
const events = isQuick ? 50_000 : 1_000_000
const councilId = 'recovery'

const folder = await makeDataFolder()

async function measure(): Promise<Figures> {
  const redis = await startRedis(join(folder.path, 'redis'))
  let gate = await startGate(redis)
  await gate.ask({ do: 'fill', councilId, from: 0, to: events })

  const loadMs: number[] = []
  const answeringMs: number[] = []
  let acknowledged = events
  for (let run = 0; run < runs; run++) {
    await Promise.all([redis.kill(), gate.kill()])
    loadMs.push(await timeMs(redis.start))

    await redis.kill()
    answeringMs.push(
      await timeMs(async () => {
        // Both at once, as whatever restarts them would: the process waits for its Redis by itself.
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
    `answering after ${rounded(spread(answeringMs))} ms, Redis alone has loaded after ${rounded(spread(loadMs))} ms`,
  )
  return {
    settings: { runs, events, payloadBytes, redis: redisSettings },
    figures: { answeringMs: spread(answeringMs), redisLoadMs: spread(loadMs) },
    ratios: { 'of the time in which Redis loads its file': ratioOf(answeringMs, loadMs) },
  }
}

const startGate = (redis: RedisServer): Promise<GateProcess> => startMeasured('harness/gate-process.ts', [redis.url])

async function timeMs(what: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await what()
  return performance.now() - startedAt
}

async function checkNothingLost(redis: RedisServer, acknowledged: number): Promise<void> {
  const council = await openBenchCouncil(redis.url, councilId)
  const found = await council.redis.xlen(council.keys.log)
  council.close()
  if (found !== acknowledged)
    throw new Error(`the run is void: ${acknowledged} events were acknowledged, the log has ${found}`)
}

await reportOf('recovery', measure, { keep: !isQuick }).finally(folder.remove)
