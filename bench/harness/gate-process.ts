import { streamCategory, type StreamName, type Uuid7 } from '../../src/events/identifiers.ts'
import { fullContext, newId, openBenchCouncil, type BenchCouncil } from './bench-council.ts'
import { closedLoop, type Load, type Measured } from './closed-loop.ts'
import { CloseAtOnce, deposit, Deposit, ledger } from './deposit.ts'
import { answerRequests } from './measured-process.ts'
import { entry } from './redis-benchmark.ts'

/**
 * `unique`: every command has its own stream. `hot`: all commands share one stream. `finishing`: every command finishes its own
 * stream. `xadd`: bare XADDs through this process's Redis client, without the gate.
 */
export type GateRequest =
  | { do: 'deposit'; councilId: string; load: Load; streams: 'unique' | 'hot' | 'finishing' }
  | { do: 'fill'; councilId: string; from: number; to: number }
  | { do: 'load'; councilId: string; load: Load; streams: number }
  | { do: 'xadd'; councilId: string; load: Load }

export type GateReply = Measured & {
  /** The number of commands by outcome: `appended`, or the code of a rejection. */
  outcomes: Record<string, number>
}

const [redisUrl = ''] = process.argv.slice(2)
const councils = new Map<string, BenchCouncil>()

async function council(councilId: string): Promise<BenchCouncil> {
  const known = councils.get(councilId)
  if (known) return known
  for (const old of councils.values()) old.close()
  councils.clear()
  const opened = await openBenchCouncil(redisUrl, councilId)
  councils.set(councilId, opened)
  return opened
}

/** The nth stream of a filled log. */
const filled = (n: number): StreamName => `ledger/filled-${n}` as StreamName
const fillInFlight = 1024

answerRequests<GateReply>(
  async (request: GateRequest) => {
    const { gate, redis, keys } = await council(request.councilId)
    const outcomes: GateReply['outcomes'] = {}
    const count = (outcome: string): number => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1)
    const execute = async (stream: StreamName, id: Uuid7): Promise<void> => {
      const input = deposit(stream, id)
      const context = fullContext(id)
      const result = await (streamCategory(stream) === 'closing'
        ? gate.execute(CloseAtOnce, input, context)
        : gate.execute(Deposit, input, context))
      count('code' in result ? result.code : result.result)
    }
    switch (request.do) {
      case 'deposit': {
        const one = depositsOn(request.streams, execute)
        return { ...(await closedLoop(request.load, one)), outcomes }
      }
      case 'fill': {
        let next = request.from
        const fill = async (): Promise<void> => {
          while (next < request.to) await execute(filled(next++), newId())
        }
        await Promise.all(Array.from({ length: fillInFlight }, fill))
        return { commands: request.to - request.from, seconds: 0, cpuMicros: 0, latencies: '', outcomes }
      }
      case 'load': {
        const one = async (): Promise<void> => {
          const { revision } = await gate.load(ledger, filled(Math.floor(Math.random() * request.streams)))
          count(`revision ${revision}`)
        }
        return { ...(await closedLoop(request.load, one)), outcomes }
      }
      case 'xadd': {
        const fields = entry()
        const one = async (): Promise<void> => void (await redis.xadd(keys.log, '*', ...fields))
        return { ...(await closedLoop(request.load, one)), outcomes }
      }
      default:
        return request satisfies never
    }
  },
  () => {
    for (const open of councils.values()) open.close()
  },
)

type Execute = (stream: StreamName, id: Uuid7) => Promise<void>

function depositsOn(streams: 'unique' | 'hot' | 'finishing', execute: Execute): () => Promise<void> {
  const run = newId()
  let n = 0
  switch (streams) {
    case 'unique':
      return () => execute(`ledger/${run}-${n++}` as StreamName, newId())
    case 'hot':
      return () => execute('ledger/hot' as StreamName, newId())
    case 'finishing':
      return () => {
        const id = newId()
        return execute(`closing/${id}` as StreamName, id)
      }
    default:
      return streams satisfies never
  }
}
