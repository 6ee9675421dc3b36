import type { Asked } from './answer-clients.ts'
import { percentilesOf, type Percentiles } from './closed-loop.ts'
import type { FanOutCouncil } from './fan-out-council.ts'
import type { IdleReply, IdleRequest } from './idle-process.ts'
import { startMeasured } from './measured-process.ts'
import { benchToken } from './served-council.ts'

const answers = 8

export type IdleFigures = {
  /** Open at once, and answered a ping at the end. */
  sockets: number
  bytesPerSocket: number
  openedPerSecond: number
  /** The delay of the tokens of a few answers, without idle sockets and with them. */
  without: Percentiles
  with: Percentiles
  faults: number
}

/** Opens idle sockets, and streams a few answers before and meanwhile. */
export async function measureIdle(
  { url, clients, watch }: FanOutCouncil,
  asked: Asked,
  sockets: number,
  observeMs: number,
): Promise<IdleFigures> {
  const idle = await startMeasured<IdleRequest, IdleReply>('harness/idle-process.ts', [])
  let faults = 0
  const delays = async (): Promise<Percentiles> => {
    await clients.ask({ do: 'ask', of: { council: url, token: benchToken }, asked })
    await clients.ask({ do: 'grow', to: answers, overMs: 1_000 })
    const { observed } = await clients.ask({ do: 'observe', ms: observeMs })
    const { outcome } = await clients.ask({ do: 'finish' })
    if (!observed || !outcome) throw new Error('nothing was observed')
    const failed = Object.values(outcome.failures).reduce((sum, count) => sum + count, 0)
    if (failed > 0) throw new Error(`the run is void: ${JSON.stringify(outcome.failures)}`)
    faults += outcome.faults
    return percentilesOf([{ latencies: observed.delays }])
  }
  const without = await delays()
  const before = watch.all().api.residentBytes
  const startedAt = performance.now()
  await idle.ask({ do: 'open', url, token: benchToken, sockets })
  const openedPerSecond = (sockets * 1000) / (performance.now() - startedAt)
  const bytesPerSocket = (watch.all().api.residentBytes - before) / sockets
  const withIdle = await delays()
  const { open } = await idle.ask({ do: 'check' })
  await idle.ask({ do: 'close' })
  await idle.stop()
  console.log(
    `${open} idle sockets: ${Math.round(bytesPerSocket)} bytes each; a token takes ${without.p50.toFixed(2)} ms without them (p99 ${without.p99.toFixed(2)}), ${withIdle.p50.toFixed(2)} ms with them (p99 ${withIdle.p99.toFixed(2)})`,
  )
  return { sockets: open, bytesPerSocket, openedPerSecond, without, with: withIdle, faults }
}
