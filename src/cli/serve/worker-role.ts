import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { ModelClient } from '../../agents/models/model.ts'
import type { Prices } from '../../agents/models/prices.ts'
import { createOrchestrator } from '../../agents/council/orchestrator.ts'
import { readTokens, tokenWriter } from '../../agents/tokens/token-stream.ts'
import { startWorker, type Worker } from '../../agents/worker/worker.ts'
import { earlierTurns } from '../../projections/chats.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Closing } from './closing.ts'
import { newId, type Core } from './core.ts'
import type { Stores } from './stores.ts'

/** Starts taking jobs. Stopping gives running ones back to the next worker. */
export async function startWorkerRole(
  config: Config,
  stores: Stores,
  { log, gate, tail }: Core,
  model: ModelClient,
  prices: Prices,
  closing: Closing,
  logger: Logger,
): Promise<Worker> {
  const name = `${hostname()}-${process.pid}-${newId().slice(-6)}`
  const agent = {
    gate,
    model,
    prices,
    writeTokens: tokenWriter(stores.ephemeral, config.councilId),
    clock: systemClock,
    newId,
    pause: (ms: number) => pause(ms),
    answerMaxTokens: config.answerMaxTokens,
    earlierTurns: earlierTurns(stores.postgres),
    answerTimeoutMs: config.answerTimeoutMs,
  }
  const jobs = await log.openJobs(stores.connect('durable', 'blocking', 'jobs'), name, config.workerLeaseMs)
  const worker = startWorker(
    {
      ...agent,
      log,
      tail,
      jobs,
      logger,
      orchestrate: createOrchestrator(agent),
      readTokens: (requestId) => readTokens(stores.ephemeral, config.councilId, requestId, '0-0'),
    },
    { name, concurrency: config.workerConcurrency, leaseMs: config.workerLeaseMs },
  )
  closing.atOnce(worker.stop, 'the worker')
  return worker
}
