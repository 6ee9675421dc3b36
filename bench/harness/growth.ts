import type { Position } from '../../src/events/identifiers.ts'
import { openBenchCouncil, type BenchCouncil } from './bench-council.ts'
import { closedLoop, percentilesOf, type Measured } from './closed-loop.ts'
import { freshCouncilId, perSecond, type GateProcess } from './competitors.ts'
import type { RedisServer } from './redis-server.ts'

const pageSize = 1000
const maxFillMs = 900_000

export type Growth = {
  events: number
  /** With 64 in flight. */
  appendsPerSecond: number
  /** p50 with one in flight. */
  appendMs: number
  loadMs: number
  /** p50 of reading a page of 1,000 events from a random position. */
  pageMs: number
}[]

/** Measures the kinds of work whose cost must not grow with the history, at several sizes of the log. */
export async function growthOf(
  redis: RedisServer,
  gate: GateProcess,
  sizes: readonly number[],
  durationMs: number,
): Promise<{ at: Growth; slopes: Record<string, number> }> {
  const councilId = freshCouncilId()
  const council = await openBenchCouncil(redis.url, councilId)
  const at: Growth = []
  let events = 0
  for (const size of sizes) {
    await gate.ask({ do: 'fill', councilId, from: events, to: size }, maxFillMs)
    events = size
    const p50 = (measured: Measured): number => percentilesOf([measured]).p50
    const append = (inFlight: number) =>
      gate.ask({ do: 'deposit', councilId, streams: 'unique', load: { inFlight, durationMs } })
    const figures = {
      events: await council.redis.xlen(council.keys.log),
      appendsPerSecond: perSecond(await append(64)),
      appendMs: p50(await append(1)),
      loadMs: p50(await gate.ask({ do: 'load', councilId, load: { inFlight: 1, durationMs }, streams: size })),
      pageMs: p50(await readPages(council, durationMs)),
    }
    console.log(
      `${figures.events} events: ${Math.round(figures.appendsPerSecond)} appends/s, append ${figures.appendMs} ms, load ${figures.loadMs} ms, page ${figures.pageMs} ms`,
    )
    at.push(figures)
  }
  await council.redis.flushall('SYNC')
  council.close()
  return { at, slopes: slopesOf(at) }
}

async function readPages({ log, redis, keys }: BenchCouncil, durationMs: number): Promise<Measured> {
  const [first] = await redis.xrange(keys.log, '-', '+', 'COUNT', 1)
  const [last] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', pageSize + 1).then((entries) => entries.slice(-1))
  const timeMs = (entry: [string, string[]] | undefined): number => Number(entry?.[0].split('-')[0])
  const span = timeMs(last) - timeMs(first)
  return closedLoop({ inFlight: 1, durationMs }, async () => {
    const after = `${timeMs(first) + Math.floor(Math.random() * span)}-0` as Position
    for await (const _ of log.read({ after, limit: pageSize })) return
  })
}

/** The factor by which each figure changes for ten times as many events: 1 is flat. A time that doubles has 2, a rate that halves 0.5. */
function slopesOf(at: Growth): Record<string, number> {
  const [first, last] = [at[0], at.at(-1)]
  if (!first || !last) throw new Error('no size was measured')
  const decades = Math.log10(last.events / first.events)
  const names = ['appendsPerSecond', 'appendMs', 'loadMs', 'pageMs'] as const
  return Object.fromEntries(names.map((name) => [name, (last[name] / first[name]) ** (1 / decades)]))
}
