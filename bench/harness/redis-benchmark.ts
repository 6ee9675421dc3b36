import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { amountMicros, deposit } from './deposit.ts'
import type { Percentiles } from './closed-loop.ts'
import { eventMetadata } from './event-metadata.ts'
import { newId } from './bench-council.ts'
import type { StreamName } from '../../src/events/identifiers.ts'

const run = promisify(execFile)
const maxRunMs = 120_000

export type Limit = { clients: number; pipeline: number; commands: number }
export type LimitMeasured = { perSecond: number; latencies: Percentiles }

/** An entry with the same fields and lengths as the log's entries. */
export function entry(): string[] {
  const id = newId()
  const stream = `ledger/${newId()}-12345` as StreamName
  const { transferId, reason } = deposit(stream, id)
  const fields = {
    sequence: '123456',
    stream,
    revision: '1',
    type: 'AccountCredited',
    version: '1',
    data: JSON.stringify({ transferId, amountMicros, reason }),
    metadata: JSON.stringify(eventMetadata(id, newId(), new Date().toISOString())),
    mac: `abcdef.${'x'.repeat(22)}`,
  }
  return Object.entries(fields).flat()
}

/** The limit of Redis: bare XADDs of the same bytes from Redis's own load generator. */
export async function redisBenchmark(
  port: number,
  key: string,
  { clients, pipeline, commands }: Limit,
): Promise<LimitMeasured> {
  const args = [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-c',
    String(clients),
    '-P',
    String(pipeline),
    '-n',
    String(commands),
    '--csv',
    'XADD',
    key,
    '*',
    ...entry(),
  ]
  const { stdout } = await run('redis-benchmark', args, { maxBuffer: 1_000_000, timeout: maxRunMs })
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms". The test's name contains the command.
  const figures = stdout
    .trim()
    .split('","')
    .slice(-7)
    .map((text) => Number(text.replaceAll('"', '')))
  const [perSecond = Number.NaN, , , p50 = Number.NaN, p95 = Number.NaN, p99 = Number.NaN, max = Number.NaN] = figures
  if (!(perSecond > 0)) throw new Error(`redis-benchmark printed ${stdout.slice(-300)}`)
  return { perSecond, latencies: { p50, p95, p99, max } }
}
