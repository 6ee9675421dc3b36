import { join } from 'node:path'
import { percentilesOf, type Measured } from './harness/closed-loop.ts'
import {
  depositsOnFreshLog,
  limitRunner,
  perSecond,
  xaddsOf,
  type Deposits,
  type GateProcess,
  type Limits,
  type PeerProcess,
} from './harness/competitors.ts'
import { makeDataFolder } from './harness/data-folder.ts'
import { payloadBytes } from './harness/deposit.ts'
import { growthOf } from './harness/growth.ts'
import { startMeasured } from './harness/measured-process.ts'
import { memoryOf } from './harness/memory.ts'
import { postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { reportOf, type Figures } from './harness/report.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'

/** `npm run bench:append`: durable commands through the gate, beside the peer and beside what Redis can do at most. `--quick` is for development, and keeps no result. */
const isQuick = process.argv.includes('--quick')
const runs = isQuick ? 2 : 5
const durationMs = isQuick ? 500 : 1000
const inFlightLevels = [1, 16, 64, 256, 1024]
const pipelined = { clients: 50, pipeline: 16 }
const peerPoolSize = 20

const folder = await makeDataFolder()

type Level = { ours: Deposits[]; limit: Limits[]; clientXadd: Measured[]; peer: Measured[]; pipelinedLimit: Limits[] }

async function measure(): Promise<Figures> {
  const redis = await startRedis(join(folder.path, 'redis'))
  const postgres = await startPostgres(join(folder.path, 'postgres'))
  const gate: GateProcess = await startMeasured('harness/gate-process.ts', [redis.url])
  const peer: PeerProcess = await startMeasured('peers/emmett.js', [postgres.url, String(peerPoolSize)])
  const limit = limitRunner(redis)

  const levels = new Map<number, Level>(inFlightLevels.map((inFlight) => [inFlight, noMeasurements()]))
  // The run before the first warms up compilers, caches and the limit's idea of how many commands fill the time.
  for (let run = 0; run <= runs; run++)
    for (const [inFlight, level] of levels) {
      const load = { inFlight, durationMs }
      const measured = {
        limit: await limit(inFlight, 1, durationMs),
        ours: await depositsOnFreshLog(redis, [gate], 'unique', load),
        clientXadd: await xaddsOf(redis, gate, load),
        peer: await peer.ask({ load, streams: 'unique', councilId: String(run) }),
        pipelinedLimit: inFlight === 1024 ? await limit(pipelined.clients, pipelined.pipeline, durationMs) : undefined,
      }
      if (run === 0) continue
      level.ours.push(...measured.ours)
      level.limit.push(measured.limit)
      level.clientXadd.push(measured.clientXadd)
      level.peer.push(measured.peer)
      if (measured.pipelinedLimit) level.pipelinedLimit.push(measured.pipelinedLimit)
    }
  await peer.stop()
  await postgres.stop()

  const growth = await growthOf(redis, gate, isQuick ? [10_000, 50_000] : [10_000, 100_000, 1_000_000], durationMs)
  const memory = await memoryOf(redis, gate)
  await gate.stop()
  await redis.kill()
  return {
    settings: {
      runs,
      durationMs,
      payloadBytes,
      redis: redisSettings,
      postgres: { version: postgres.version, ...postgresSettings },
      peerPoolSize,
      pipelined,
    },
    figures: {
      inFlight: Object.fromEntries([...levels].map(([inFlight, level]) => [inFlight, figuresOf(inFlight, level)])),
      growth,
      memory,
    },
    ratios: ratiosOf(levels),
  }
}

const noMeasurements = (): Level => ({ ours: [], limit: [], clientXadd: [], peer: [], pipelinedLimit: [] })

function figuresOf(inFlight: number, { ours, limit, clientXadd, peer, pipelinedLimit }: Level) {
  const rates = {
    ours: spread(ours.map(perSecond)),
    bareXadd: spread(limit.map((run) => run.perSecond)),
    xaddThroughOurClient: spread(clientXadd.map(perSecond)),
    peer: spread(peer.map(perSecond)),
    ...(pipelinedLimit.length > 0 && { pipelinedXadd: spread(pipelinedLimit.map((run) => run.perSecond)) }),
  }
  console.log(
    `${inFlight} in flight, a second: ${Object.entries(rates)
      .map(([name, rate]) => `${name} ${rounded(rate)}`)
      .join(', ')}`,
  )
  const cpu = {
    gate: spread(ours.map(({ cpuMicros, commands }) => cpuMicros / commands)),
    redis: spread(ours.map(({ redisCpuMicros, commands }) => redisCpuMicros / commands)),
    redisForBareXadd: spread(limit.map(({ redisCpuMicrosEach }) => redisCpuMicrosEach)),
    clientForXadd: spread(clientXadd.map(({ cpuMicros, commands }) => cpuMicros / commands)),
    peerWithoutPostgres: spread(peer.map(({ cpuMicros, commands }) => cpuMicros / commands)),
  }
  console.log(
    `${inFlight} in flight, µs of work each: ${Object.entries(cpu)
      .map(([name, micros]) => `${name} ${rounded(micros)}`)
      .join(', ')}`,
  )
  return {
    perSecond: rates,
    cpuMicrosEach: cpu,
    latencyMs: {
      ours: percentilesOf(ours),
      peer: percentilesOf(peer),
      bareXadd: limit.map(({ latencies }) => latencies),
    },
  }
}

function ratiosOf(levels: ReadonlyMap<number, Level>): Figures['ratios'] {
  const level = (inFlight: number): Level => levels.get(inFlight) ?? noMeasurements()
  const ours = (inFlight: number) => level(inFlight).ours.map(perSecond)
  const bare = (inFlight: number) => level(inFlight).limit.map((run) => run.perSecond)
  return {
    'times the peer, 64 in flight': ratioOf(ours(64), level(64).peer.map(perSecond)),
    'of a bare XADD, 64 in flight': ratioOf(ours(64), bare(64)),
    'of a pipelined XADD, 1024 in flight': ratioOf(
      ours(1024),
      level(1024).pipelinedLimit.map((run) => run.perSecond),
    ),
    // With one in flight a second holds as many commands as each takes time.
    'time of one command over that of one bare XADD': ratioOf(bare(1), ours(1)),
  }
}

await reportOf('append', measure, { keep: !isQuick }).finally(folder.remove)
