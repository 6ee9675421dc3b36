import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { fanOutCouncil } from './harness/fan-out-council.ts'
import { growUntilLate, type Growth } from './harness/growing-answers.ts'
import { measureIdle, type IdleFigures } from './harness/idle-sockets.ts'
import { requireOpenFiles } from './harness/open-files.ts'
import { spread } from './harness/spread.ts'

/**
 * `npm run bench:fanout`: how many answers, each at 20 tokens per second, a council streams at once before a token is 100 ms late at the
 * 99th percentile, and which process is the limit; and how many idle sockets it holds.
 */
const runs = isQuick ? 1 : 3
const idleSockets = isQuick ? 2_000 : 10_000
const growth = { step: isQuick ? 200 : 100, most: 2_000, growMs: 2_000, observeMs: isQuick ? 3_000 : 4_000 }
const asked = { tokens: 400, perSecond: 20, spread: true }
const lateMs = 100

async function measure(dataFolder: string): Promise<Figures> {
  requireOpenFiles(idleSockets + 2_000)
  const council = await fanOutCouncil(dataFolder)
  // Warms up compilers and caches. It is not recorded.
  await growUntilLate(council, { ...growth, most: 2 * growth.step }, asked, lateMs)
  const grown: Growth[] = []
  for (let run = 0; run < runs; run++) {
    await council.forgetTokens()
    grown.push(await growUntilLate(council, growth, asked, lateMs))
  }
  await council.forgetTokens()
  const idle: IdleFigures = await measureIdle(council, { ...asked, tokens: 100 }, idleSockets, growth.observeMs)
  await council.stop()
  return {
    settings: { runs, idleSockets, growth, asked, lateMs, ...council.settings },
    figures: { grown, idle },
    ratios: {
      'concurrent answers': spread(grown.map(({ answers }) => answers)),
      'idle sockets': idle.sockets,
      'frames lost or duplicated': grown.reduce((sum, { faults }) => sum + faults, idle.faults),
      'bytes per idle socket': idle.bytesPerSocket,
      'CPU microseconds per token, council and Redis': spread(grown.map(({ own }) => own)),
      'CPU microseconds per token, clients and model': spread(grown.map(({ others }) => others)),
    },
  }
}

await runBenchmark('fanout', measure)
