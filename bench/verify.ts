import { hash } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { aggregateOf, deadlineRules } from '../src/commands/registry.ts'
import { postgresArchive } from '../src/events/log/archive/archive.ts'
import { collectFaults } from '../src/events/log/verify/audit-faults.ts'
import { verifyLog } from '../src/events/log/verify/verify.ts'
import { silentLogger } from '../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../src/platform/postgres/postgres.ts'
import { migrate } from '../src/projections/engine/migrate.ts'
import { isQuick } from './harness/arguments.ts'
import { benchMacs, openBenchCouncil, type BenchCouncil } from './harness/bench-council.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'
import { archiveWhole, fillWithTransfers } from './harness/transfers.ts'

/**
 * `npm run bench:verify`: `council audit verify` of a log that is complete both in the archive and in Redis. The limit is a bare
 * loop that reads the same bytes from both and hashes them.
 */
const runs = isQuick ? 2 : 5
const transfers = isQuick ? 10_000 : 100_000
const pageSize = 1_000

async function measure(dataFolder: string): Promise<Figures> {
  const redis = await startRedis(join(dataFolder, 'redis'))
  const server = await startPostgres(join(dataFolder, 'postgres'))
  const postgres = connectPostgres<unknown>({ url: server.url, maxConnections: 2, logger: silentLogger })
  await migrate(postgres)
  const council = await openBenchCouncil(redis.url, 'bench')
  await fillWithTransfers(council, transfers)
  const incarnation = (await council.redis.hget(council.keys.meta, 'incarnation')) ?? ''
  await archiveWhole(council, postgres, { councilId: 'bench', incarnation })

  const ours: number[] = []
  const bare: number[] = []
  let bytes = 0
  for (let run = 0; run <= runs; run++) {
    const verified = await timed(() => verifyAll(council, postgres))
    const read = await timed(() => readAndHash(council, postgres))
    if (read.result.events !== verified.result)
      throw new Error(`the run is void: verified ${verified.result} events, read ${read.result.events}`)
    // Run 0 only warms up compilers and caches. It is not recorded.
    if (run === 0) continue
    ours.push(verified.result / verified.seconds)
    bare.push(read.result.events / read.seconds)
    bytes = read.result.bytes
  }
  council.close()
  await postgres.close()
  await server.stop()
  await redis.kill()
  console.log(`Events per second: verify ${rounded(spread(ours))}; read and hash ${rounded(spread(bare))}`)
  return {
    settings: { runs, transfers, redis: redisSettings, postgres: { version: server.version, ...postgresSettings } },
    figures: {
      events: transfers * 2,
      bytes,
      verify: { perSecond: spread(ours) },
      readAndHash: { perSecond: spread(bare) },
    },
    ratios: { 'over a bare loop that reads and hashes the same bytes': ratioOf(ours, bare) },
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const startedAt = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - startedAt) / 1000 }
}

/** Verifies the whole log and returns the number of its events. */
async function verifyAll({ redis, keys }: BenchCouncil, postgres: Postgres<unknown>): Promise<number> {
  const faults = collectFaults()
  const { end } = await verifyLog({
    jobOverdueMs: 3_600_000,
    redis,
    keys,
    councilId: 'bench',
    archive: postgresArchive(postgres),
    macs: benchMacs,
    foldOf: aggregateOf,
    deadlineRules,
    outside: { lines: [], publicKey: null },
    report: faults.report,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  if (faults.count() > 0) throw new Error(`the log has faults: ${JSON.stringify(faults.listed()[0])}`)
  return end.events
}

/** The minimum for any verifier: read every row and every entry, chain one hash over each side, and compare the two. */
async function readAndHash(
  { redis, keys }: BenchCouncil,
  { snapshot }: Postgres<unknown>,
): Promise<{ events: number; bytes: number }> {
  let [events, bytes, sequence, position, archiveHead, hotHead] = [0, 0, '0', '0-0', '', '']
  for (;;) {
    const from = sequence
    const [{ rows }, entries] = await Promise.all([
      snapshot((tx) =>
        sql<
          Record<string, string>
        >`select * from event_archive where sequence > ${from} order by sequence limit ${pageSize}`.execute(tx),
      ),
      redis.xrange(keys.log, `(${position}`, '+', 'COUNT', pageSize),
    ])
    for (const row of rows) {
      const text = `${row['position']}sequence${row['sequence']}stream${row['stream']}revision${row['revision']}type${row['type']}version${row['version']}data${row['data']}metadata${row['metadata']}mac${row['mac']}`
      archiveHead = hash('sha256', archiveHead + text)
      bytes += text.length
    }
    for (const [id, fields] of entries) hotHead = hash('sha256', hotHead + id + fields.join(''))
    if (archiveHead !== hotHead) throw new Error('Redis and the archive differ')
    if (rows.length === 0) return { events, bytes }
    events += rows.length
    sequence = rows.at(-1)?.['sequence'] ?? ''
    position = entries.at(-1)?.[0] ?? position
  }
}

await runBenchmark('verify', measure)
