import { onTestFinished } from 'vitest'
import { createJudges } from '../../src/agents/council/judge-work.ts'
import { createOrchestrator } from '../../src/agents/council/orchestrator.ts'
import { missingModel } from '../../src/agents/models/missing.ts'
import type { ModelClient } from '../../src/agents/models/model.ts'
import { parsePrices } from '../../src/agents/models/prices.ts'
import { readTokens, tokenWriter } from '../../src/agents/tokens/token-stream.ts'
import { startWorker } from '../../src/agents/worker/worker.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import type { LogTail } from '../../src/events/log/read/tail.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger, type Logger } from '../../src/platform/logger.ts'
import { connectRedis } from '../../src/platform/redis/connection.ts'
import { newId, type TestCouncil } from './council.ts'
import { councilOf } from './seating.ts'
import { redisUrl } from './shared-servers.ts'

export type WorkerOptions = {
  model?: ModelClient
  /** The price of 1,000 tokens, in micro-dollars. */
  microsPer1000?: number
  answerTimeoutMs?: number
  logger?: Logger
}

/** Runs the jobs of a council until the test ends, on the shared Redis. */
export async function runWorker(
  council: TestCouncil,
  tail: LogTail,
  {
    model = missingModel('a test without a model'),
    microsPer1000 = 1000,
    answerTimeoutMs = 60_000,
    logger = silentLogger,
  }: WorkerOptions = {},
): Promise<void> {
  const rates = { promptMicrosPer1000: microsPer1000, completionMicrosPer1000: microsPer1000 }
  const agent = {
    gate: council.gate,
    ...councilOf(model),
    prices: parsePrices({ default: { name: 'test', ...rates }, prices: [] }),
    writeTokens: tokenWriter(council.redis, council.councilId),
    clock: systemClock,
    newId,
    pause: () => Promise.resolve(),
    answerMaxTokens: 100,
    earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
    answerTimeoutMs,
  }
  const blocking = connectRedis({ url: redisUrl, role: 'blocking', name: 'test-jobs', logger: silentLogger })
  const jobs = await council.log.openJobs(blocking, newId(), 1000)
  const readAll = (requestId: Uuid7) => readTokens(council.redis, council.councilId, requestId, '0-0')
  const worker = startWorker(
    {
      ...agent,
      log: council.log,
      tail,
      jobs,
      logger,
      orchestrate: createOrchestrator(agent),
      judgeWork: createJudges(agent),
      readTokens: readAll,
    },
    { name: 'test', concurrency: 2, leaseMs: 1000 },
  )
  onTestFinished(worker.stop)
}
