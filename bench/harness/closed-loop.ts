import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'

/** `inFlight` callers. Each asks at least once, and again after every answer until `durationMs` have passed. */
export type Load = { inFlight: number; durationMs: number }

/** `cpuMicros`: the CPU time of this process. `latencies`: an HDR histogram of microseconds, compressed, in base64. */
export type Measured = { commands: number; seconds: number; cpuMicros: number; latencies: string }

export async function closedLoop({ inFlight, durationMs }: Load, ask: () => Promise<void>): Promise<Measured> {
  const histogram = newHistogram()
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const deadline = startedAt + durationMs
  const caller = async (): Promise<void> => {
    let now = performance.now()
    do {
      await ask()
      const answered = performance.now()
      histogram.recordValue(Math.max(1, Math.round((answered - now) * 1000)))
      now = answered
    } while (now < deadline)
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    commands: histogram.totalCount,
    cpuMicros: user + system,
    seconds: (performance.now() - startedAt) / 1000,
    latencies: encodeIntoCompressedBase64(histogram),
  }
}

export type Percentiles = { p50: number; p95: number; p99: number; max: number }

/** Percentiles over all runs together, in milliseconds. */
export function percentilesOf(runs: readonly Pick<Measured, 'latencies'>[]): Percentiles {
  const all = newHistogram()
  for (const { latencies } of runs) all.add(decodeFromCompressedBase64(latencies))
  const ms = (percentile: number): number => all.getValueAtPercentile(percentile) / 1000
  return { p50: ms(50), p95: ms(95), p99: ms(99), max: all.maxValue / 1000 }
}

/** A histogram of microseconds, up to a minute. */
export const newHistogram = (): Histogram =>
  build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })
