import { join } from 'node:path'
import { percentilesOf, type Measured } from './harness/closed-loop.ts'
import {
  depositsOnFreshLog,
  limitRunner,
  perSecond,
  type GateProcess,
  type PeerProcess,
} from './harness/competitors.ts'
import { makeDataFolder } from './harness/data-folder.ts'
import { payloadBytes } from './harness/deposit.ts'
import type { GateReply } from './harness/gate-process.ts'
import { startMeasured } from './harness/measured-process.ts'
import { postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { reportOf, type Figures } from './harness/report.ts'
import { ratioOf, rounded, spread } from './harness/spread.ts'

/** `npm run bench:hot`: commands on one account, from one gate process and from several. `--quick` is for development, and keeps no result. */
const isQuick = process.argv.includes('--quick')
const runs = isQuick ? 2 : 5
const durationMs = isQuick ? 500 : 1000
const inFlight = 64
const maxProcesses = 4
const peerPoolSize = 20

const folder = await makeDataFolder()

type Measurements = Record<'unique' | 'one' | 'two' | 'four', GateReply[][]> & { bareXadd: number[]; peer: Measured[] }

async function measure(): Promise<Figures> {
  const redis = await startRedis(join(folder.path, 'redis'))
  const postgres = await startPostgres(join(folder.path, 'postgres'))
  const gates: GateProcess[] = []
  for (let n = 0; n < maxProcesses; n++) gates.push(await startMeasured('harness/gate-process.ts', [redis.url]))
  const peer: PeerProcess = await startMeasured('peers/emmett.js', [postgres.url, String(peerPoolSize)])
  const limit = limitRunner(redis)

  const load = { inFlight, durationMs }
  const deposits = (processes: number, streams: 'unique' | 'hot') =>
    depositsOnFreshLog(redis, gates.slice(0, processes), streams, load)
  const measured: Measurements = { unique: [], one: [], two: [], four: [], bareXadd: [], peer: [] }
  for (let run = 0; run <= runs; run++) {
    const unique = await deposits(1, 'unique')
    const one = await deposits(1, 'hot')
    const bareXadd = await limit(inFlight, 1, durationMs)
    const two = await deposits(2, 'hot')
    const ofPeer = await peer.ask({ load, streams: 'hot', councilId: String(run) })
    const four = await deposits(4, 'hot')
    // The first of them only warms up compilers and caches.
    if (run === 0) continue
    for (const [name, replies] of Object.entries({ unique, one, two, four })) measured[name as 'one'].push(replies)
    measured.bareXadd.push(bareXadd.perSecond)
    measured.peer.push(ofPeer)
  }
  for (const child of [...gates, peer]) await child.stop()
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
      peerPoolSize,
    },
    figures: figuresOf(measured),
    ratios: ratiosOf(measured),
  }
}

/** What several processes acknowledged together, a second of the slowest of them. */
const together = (replies: readonly GateReply[]): number =>
  replies.reduce((sum, { outcomes }) => sum + (outcomes['appended'] ?? 0), 0) /
  Math.max(...replies.map(({ seconds }) => seconds))

function figuresOf({ bareXadd, peer, ...ours }: Measurements): Figures['figures'] {
  const named = Object.entries(ours).map(
    ([name, runsOfIt]) =>
      [
        name,
        {
          perSecond: spread(runsOfIt.map(together)),
          latencyMs: percentilesOf(runsOfIt.flat()),
          failed: failures(runsOfIt.flat()),
        },
      ] as const,
  )
  const all = {
    ...Object.fromEntries(named),
    peer: { perSecond: spread(peer.map(perSecond)), latencyMs: percentilesOf(peer) },
    bareXadd: { perSecond: spread(bareXadd) },
  }
  for (const [name, { perSecond: rate }] of Object.entries(all)) console.log(`${name}: ${rounded(rate)} a second`)
  return all
}

function failures(replies: readonly GateReply[]): Record<string, number> {
  const failed: Record<string, number> = {}
  for (const { outcomes } of replies)
    for (const [outcome, count] of Object.entries(outcomes))
      if (outcome !== 'appended') failed[outcome] = (failed[outcome] ?? 0) + count
  return failed
}

function ratiosOf({ unique, one, two, four, bareXadd, peer }: Measurements): Figures['ratios'] {
  const rates = (measured: GateReply[][]): number[] => measured.map(together)
  const failed = failures([unique, one, two, four].flat(2))
  return {
    'of unique streams, 64 in flight on one account': ratioOf(rates(one), rates(unique)),
    'commands that failed by conflict': failed['overloaded'] ?? 0,
    'two gate processes over one': ratioOf(rates(two), rates(one)),
    'four gate processes over one': ratioOf(rates(four), rates(one)),
    'of a bare XADD, one account': ratioOf(rates(one), bareXadd),
    'times the peer, one account': ratioOf(rates(one), peer.map(perSecond)),
  }
}

await reportOf('hot', measure, { keep: !isQuick }).finally(folder.remove)
