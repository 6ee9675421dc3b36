import { join } from 'node:path'
import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { percentilesOf, type Measured } from './harness/closed-loop.ts'
import {
  depositsOnFreshLog,
  limitRunner,
  perSecond,
  type EmmettProcess,
  type GateProcess,
} from './harness/competitors.ts'
import { payloadBytes } from './harness/deposit.ts'
import type { GateReply } from './harness/gate-process.ts'
import { startMeasured } from './harness/measured-process.ts'
import { installPeers } from './harness/peers.ts'
import { postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'

/** `npm run bench:hot`: commands on one account, from one, two and four gate processes. */
const runs = isQuick ? 2 : 5
const durationMs = isQuick ? 500 : 1000
const inFlight = 64
const maxProcesses = 4
const emmettPoolSize = 20

/** The replies of all gate processes of each run. */
type Gates = Record<'unique' | 'one' | 'two' | 'four', GateReply[][]>
type Measurements = { gates: Gates; bareXadd: number[]; emmett: Measured[] }

async function measure(dataFolder: string): Promise<Figures> {
  await installPeers()
  const redis = await startRedis(join(dataFolder, 'redis'))
  const postgres = await startPostgres(join(dataFolder, 'postgres'))
  const gates: GateProcess[] = []
  for (let n = 0; n < maxProcesses; n++) gates.push(await startMeasured('harness/gate-process.ts', [redis.url]))
  const emmett: EmmettProcess = await startMeasured('peers/emmett.js', [postgres.url, String(emmettPoolSize)])
  const limit = limitRunner(redis)

  const load = { inFlight, durationMs }
  const deposits = (processes: number, streams: 'unique' | 'hot') =>
    depositsOnFreshLog(redis, gates.slice(0, processes), streams, load)
  const empty = (): Measurements => ({ gates: { unique: [], one: [], two: [], four: [] }, bareXadd: [], emmett: [] })
  const recorded = empty()
  // Run 0 only warms up compilers and caches. It is not recorded.
  for (let run = 0; run <= runs; run++) {
    const measured = run === 0 ? empty() : recorded
    measured.gates.unique.push(await deposits(1, 'unique'))
    measured.gates.one.push(await deposits(1, 'hot'))
    measured.bareXadd.push((await limit(inFlight, 1, durationMs)).perSecond)
    measured.gates.two.push(await deposits(2, 'hot'))
    measured.emmett.push(await emmett.ask({ load, streams: 'hot', councilId: String(run) }))
    measured.gates.four.push(await deposits(4, 'hot'))
  }
  for (const child of [...gates, emmett]) await child.stop()
  await postgres.stop()
  await redis.kill()
  return {
    settings: {
      runs,
      durationMs,
      inFlight,
      payloadBytes,
      redis: redisSettings,
      postgres: { version: postgres.version, ...postgresSettings },
      emmettPoolSize,
    },
    figures: figuresOf(recorded),
    ratios: ratiosOf(recorded),
  }
}

/** Commands per second of several processes together, over the time of the slowest. */
const combinedRate = (replies: readonly GateReply[]): number =>
  replies.reduce((sum, { outcomes }) => sum + (outcomes['appended'] ?? 0), 0) /
  Math.max(...replies.map(({ seconds }) => seconds))

function figuresOf({ bareXadd, emmett, gates }: Measurements): Figures['figures'] {
  const ofGates = Object.entries(gates).map(
    ([name, replies]) =>
      [
        name,
        {
          perSecond: spread(replies.map(combinedRate)),
          latencyMs: percentilesOf(replies.flat()),
          failed: failures(replies.flat()),
        },
      ] as const,
  )
  const all = {
    ...Object.fromEntries(ofGates),
    emmett: { perSecond: spread(emmett.map(perSecond)), latencyMs: percentilesOf(emmett) },
    bareXadd: { perSecond: spread(bareXadd) },
  }
  for (const [name, { perSecond: rate }] of Object.entries(all)) console.log(`${name}: ${rounded(rate)} per second`)
  return all
}

function failures(replies: readonly GateReply[]): Record<string, number> {
  const failed: Record<string, number> = {}
  for (const { outcomes } of replies)
    for (const [outcome, count] of Object.entries(outcomes))
      if (outcome !== 'appended') failed[outcome] = (failed[outcome] ?? 0) + count
  return failed
}

function ratiosOf({ gates, bareXadd, emmett }: Measurements): Figures['ratios'] {
  const rates = (name: keyof Gates): number[] => gates[name].map(combinedRate)
  return {
    'one account over unique streams, 64 in flight': ratioOf(rates('one'), rates('unique')),
    'commands per second on one account': spread(rates('one')),
    'commands that failed by conflict': failures(Object.values(gates).flat(2))['overloaded'] ?? 0,
    'two gate processes over one': ratioOf(rates('two'), rates('one')),
    'four gate processes over one': ratioOf(rates('four'), rates('one')),
    'one account over a bare XADD': ratioOf(rates('one'), bareXadd),
    'one account over Emmett on one stream': ratioOf(rates('one'), emmett.map(perSecond)),
  }
}

await runBenchmark('hot', measure)
