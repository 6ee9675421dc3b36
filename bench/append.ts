import { join } from 'node:path'
import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { percentilesOf, type Measured } from './harness/closed-loop.ts'
import {
  depositsOnFreshLog,
  limitRunner,
  perSecond,
  xaddsOf,
  type Deposits,
  type EmmettProcess,
  type GateProcess,
  type Limits,
  type NatsProcess,
} from './harness/competitors.ts'
import { payloadBytes } from './harness/deposit.ts'
import { growthOf } from './harness/growth.ts'
import { startMeasured } from './harness/measured-process.ts'
import { memoryOf } from './harness/memory.ts'
import { natsSettings, startNats } from './harness/nats-server.ts'
import { installPeers } from './harness/peers.ts'
import { postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis, type RedisServer } from './harness/redis-server.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'

/** `npm run bench:append`: durable commands through the gate, compared with NATS JetStream, with Emmett and with bare XADDs. */
const runs = isQuick ? 2 : 5
const durationMs = isQuick ? 500 : 1000
const inFlightLevels = [1, 16, 64, 256, 1024]
const pipelined = { clients: 50, pipeline: 16 }
const emmettPoolSize = 20
/** NATS is measured with 64 events in flight. One batch of 64 was faster than several smaller ones at once. */
const natsInFlight = 64
const natsBatchSize = 64

type Level = {
  ours: Deposits[]
  bareXadd: Limits[]
  xaddThroughOurClient: Measured[]
  emmett: Measured[]
  nats: Measured[]
  natsBatches: Measured[]
  pipelinedXadd: Limits[]
}
const noMeasurements = (): Level => ({
  ours: [],
  bareXadd: [],
  xaddThroughOurClient: [],
  emmett: [],
  nats: [],
  natsBatches: [],
  pipelinedXadd: [],
})

async function measure(dataFolder: string): Promise<Figures> {
  await installPeers()
  const redis = await startRedis(join(dataFolder, 'redis'))
  const gate: GateProcess = await startMeasured('harness/gate-process.ts', [redis.url])
  const postgres = await startPostgres(join(dataFolder, 'postgres'))
  const levels = await compare(redis, gate, postgres.url, join(dataFolder, 'nats'))
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
      nats: { ...natsSettings, inFlight: natsInFlight, batchSize: natsBatchSize },
      emmettPoolSize,
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

async function compare(
  redis: RedisServer,
  gate: GateProcess,
  postgresUrl: string,
  natsFolder: string,
): Promise<ReadonlyMap<number, Level>> {
  const natsServer = await startNats(natsFolder)
  const nats: NatsProcess = await startMeasured('peers/nats.js', [natsServer.url])
  const emmett: EmmettProcess = await startMeasured('peers/emmett.js', [postgresUrl, String(emmettPoolSize)])
  const limit = limitRunner(redis)
  const levels = new Map<number, Level>(inFlightLevels.map((inFlight) => [inFlight, noMeasurements()]))
  // Run 0 only warms up compilers, caches and the estimate of how many commands the limit needs. It is not recorded.
  for (let run = 0; run <= runs; run++)
    for (const [inFlight, recorded] of levels) {
      const level = run === 0 ? noMeasurements() : recorded
      console.error(`run ${run} of ${runs}, ${inFlight} in flight`)
      const load = { inFlight, durationMs }
      level.bareXadd.push(await limit(inFlight, 1, durationMs))
      level.ours.push(...(await depositsOnFreshLog(redis, [gate], 'unique', load)))
      level.xaddThroughOurClient.push(await xaddsOf(redis, gate, load))
      level.emmett.push(await emmett.ask({ load, streams: 'unique', councilId: String(run) }))
      if (inFlight === natsInFlight) {
        level.nats.push(await nats.ask({ load, councilId: `${run}-single`, batchSize: 1 }))
        level.natsBatches.push(await nats.ask({ load, councilId: `${run}-batches`, batchSize: natsBatchSize }))
      }
      if (inFlight === 1024) level.pipelinedXadd.push(await limit(pipelined.clients, pipelined.pipeline, durationMs))
    }
  for (const peer of [emmett, nats, natsServer]) await peer.stop()
  return levels
}

const rateOf = (measured: Measured | Limits): number =>
  'perSecond' in measured ? measured.perSecond : perSecond(measured)

function figuresOf(inFlight: number, level: Level) {
  const measured = Object.entries(level).filter(([, measurements]) => measurements.length > 0)
  const rates = Object.fromEntries(measured.map(([name, all]) => [name, spread(all.map(rateOf))]))
  const cpu = {
    gate: spread(level.ours.map(({ cpuMicros, commands }) => cpuMicros / commands)),
    redis: spread(level.ours.map(({ redisCpuMicros, commands }) => redisCpuMicros / commands)),
    redisForBareXadd: spread(level.bareXadd.map(({ redisCpuMicrosEach }) => redisCpuMicrosEach)),
    clientForXadd: spread(level.xaddThroughOurClient.map(({ cpuMicros, commands }) => cpuMicros / commands)),
    emmettWithoutPostgres: spread(level.emmett.map(({ cpuMicros, commands }) => cpuMicros / commands)),
  }
  const line = (figures: Record<string, Parameters<typeof rounded>[0]>): string =>
    Object.entries(figures)
      .map(([name, figure]) => `${name} ${rounded(figure)}`)
      .join(', ')
  console.log(`${inFlight} in flight, per second: ${line(rates)}`)
  console.log(`${inFlight} in flight, µs of CPU each: ${line(cpu)}`)
  return {
    perSecond: rates,
    cpuMicrosEach: cpu,
    latencyMs: {
      ours: percentilesOf(level.ours),
      emmett: percentilesOf(level.emmett),
      ...(level.nats.length > 0 && { nats: percentilesOf(level.nats), natsBatches: percentilesOf(level.natsBatches) }),
      bareXadd: level.bareXadd.map(({ latencies }) => latencies),
    },
  }
}

function ratiosOf(levels: ReadonlyMap<number, Level>): Figures['ratios'] {
  const rates = (inFlight: number, name: keyof Level): number[] => levels.get(inFlight)?.[name].map(rateOf) ?? []
  const ours = rates(64, 'ours')
  const bare = rates(64, 'bareXadd')
  return {
    'over NATS single publishes, 64 in flight': ratioOf(ours, rates(64, 'nats')),
    'over NATS atomic batches, 64 in flight': ratioOf(ours, rates(64, 'natsBatches')),
    'over Emmett, 64 in flight': ratioOf(ours, rates(64, 'emmett')),
    'over a bare XADD, 64 in flight': ratioOf(ours, bare),
    // With one in flight, the rate is the inverse of the time.
    'time of one command over one XADD through the same client': ratioOf(
      rates(1, 'xaddThroughOurClient'),
      rates(1, 'ours'),
    ),
    'NATS single publishes over a bare XADD, 64 in flight': ratioOf(rates(64, 'nats'), bare),
    'NATS atomic batches over a bare XADD, 64 in flight': ratioOf(rates(64, 'natsBatches'), bare),
    'Emmett over a bare XADD, 64 in flight': ratioOf(rates(64, 'emmett'), bare),
    'over a pipelined XADD, 1024 in flight': ratioOf(rates(1024, 'ours'), rates(1024, 'pipelinedXadd')),
    'time of one command over one bare XADD': ratioOf(rates(1, 'bareXadd'), rates(1, 'ours')),
  }
}

await runBenchmark('append', measure)
