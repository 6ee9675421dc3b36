/** A process that works on jobs, with a model that answers at once. Prints `ready`; SIGTERM ends it in order. */
import { setTimeout as pause } from 'node:timers/promises'
import { ModelError, type ModelClient } from '../../../src/agents/models/model.ts'
import { parsePrices } from '../../../src/agents/models/prices.ts'
import { createJudges } from '../../../src/agents/council/judge-work.ts'
import { createOrchestrator } from '../../../src/agents/council/orchestrator.ts'
import { startWorker } from '../../../src/agents/worker/worker.ts'
import { seatCouncil } from '../../../src/cli/serve/seat-council.ts'
import { startTail } from '../../../src/events/log/read/tail.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { councilOf } from '../../support/seating.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectRedis } from '../../../src/platform/redis/connection.ts'
import { newId, openTestCouncil } from '../../support/council.ts'
import { childOptions, leaseMs } from './child-options.ts'
import { recorded } from './history.ts'
import { readyUntilSigterm } from './ready.ts'

const { name, redisUrl, councilId, historyFile } = childOptions()
const words = ['Light', ' is', ' scattered', '.']
const model: ModelClient = {
  async *stream({ continueFrom, signal, constraint, messages }) {
    const choices = constraint && 'choices' in constraint ? constraint.choices : []
    // A judge takes one of the rankings that it may give.
    const ballot = choices[JSON.stringify(messages).length % choices.length]
    for (const text of ballot !== undefined ? [ballot] : words.slice(continueFrom === '' ? 0 : -1)) {
      // A fault can kill the worker during the answer.
      await pause(50)
      if (signal.aborted) throw new ModelError('model_cancelled', 'the call was cancelled')
      yield { type: 'text', text }
    }
    yield { type: 'usage', usage: { promptTokens: 10, completionTokens: words.length } }
    yield { type: 'end', finishReason: 'stop', degraded: false }
  },
  info: () => Promise.resolve({ model: 'chaos', kind: 'embedded', contextTokens: 1000 }),
  promptTokensAtMost: () => 20,
  countPromptTokens: () => Promise.resolve(20),
  health: () => Promise.reject(new Error('not used')),
  close: () => Promise.resolve(),
}

const council = await openTestCouncil(redisUrl, councilId)
const recordedGate = recorded(council.gate, historyFile, name)
const seated = councilOf(model)
await seatCouncil(recordedGate, councilId, seated.seating, silentLogger)
const tail = startTail(council.log, await council.log.head())
const agent = {
  gate: recordedGate,
  ...seated,
  prices: parsePrices({ default: { name: 'chaos', promptMicrosPer1000: 10, completionMicrosPer1000: 10 }, prices: [] }),
  writeTokens: () => Promise.resolve('written' as const),
  clock: systemClock,
  newId,
  pause: (ms: number) => pause(ms),
  answerMaxTokens: 20,
  earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
  answerTimeoutMs: 60_000,
}
/** Every attempt has begun, and no client has seen text: these tests do not cover the token stream. */
const readTokens = () =>
  Promise.resolve({ text: '', endOffset: 0, begun: [1, 2, 3], previews: [], firstTextAtMs: null, lastId: '0-0' })
const blocking = connectRedis({ url: redisUrl, role: 'blocking', name: 'chaos-jobs', logger: silentLogger })
const jobs = await council.log.openJobs(blocking, name, leaseMs)
const worker = startWorker(
  {
    ...agent,
    log: council.log,
    tail,
    jobs,
    logger: silentLogger,
    orchestrate: createOrchestrator(agent),
    judgeWork: createJudges(agent),
    readTokens,
  },
  { name, concurrency: 8, leaseMs },
)
readyUntilSigterm(worker.stop, tail.stop, council.close)
