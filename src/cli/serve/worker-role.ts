import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { createJudges } from '../../agents/council/judge-work.ts'
import { createOrchestrator } from '../../agents/council/orchestrator.ts'
import type { CouncilDependencies } from '../../agents/council/state.ts'
import { previewBatcher } from '../../agents/tokens/preview-batcher.ts'
import { previewWriter, readTokens, tokenWriter } from '../../agents/tokens/token-stream.ts'
import { startWorker, type Worker } from '../../agents/worker/worker.ts'
import { earlierTurns } from '../../projections/chats.ts'
import { systemClock } from '../../platform/clock.ts'
import { newId } from './core.ts'
import { listPrices } from './list-prices.ts'
import { seatedModels } from './member-models.ts'
import { mustNotEnd } from './must-not-end.ts'
import { checkOf } from './part.ts'
import type { Role, RoleContext } from './role.ts'
import { seatCouncil } from './seat-council.ts'

/** Takes jobs and answers prompts. Stopping it gives running jobs back to the next worker. */
export const workerRole: Role = {
  name: 'worker',
  async start(context) {
    if (!context.model) throw new Error('the worker needs a model')
    const { part, ...models } = await context.model
    const { modelOf, checks } = await seatedModels(context, models, part.kind)
    const worker = await startJobs(context, modelOf)
    return {
      parts: [part],
      checks: [checkOf(part, { isNeeded: false }), ...checks],
      failed: mustNotEnd(worker.done, 'no more jobs can be taken'),
    }
  },
}

async function startJobs(context: RoleContext, modelOf: CouncilDependencies['modelOf']): Promise<Worker> {
  const { config, stores, prices, seating, closing, logger } = context
  const { council, answers } = config
  const { concurrency, leaseMs } = config.worker
  const { log, gate, tail } = context.core
  const name = `${hostname()}-${process.pid}-${newId().slice(-6)}`
  await seatCouncil(gate, council.id, seating, logger)
  await listPrices(gate, prices, logger)
  const agent = {
    gate,
    seating,
    modelOf,
    preview: previewBatcher(previewWriter(stores.ephemeral, council.id)),
    prices,
    writeTokens: tokenWriter(stores.ephemeral, council.id),
    clock: systemClock,
    newId,
    pause: (ms: number) => pause(ms),
    answerMaxTokens: answers.maxTokens,
    earlierTurns: earlierTurns(stores.postgres),
    answerTimeoutMs: answers.timeoutMs,
  }
  const jobs = await log.openJobs(stores.connect('durable', 'blocking', 'jobs'), name, leaseMs)
  const worker = startWorker(
    {
      ...agent,
      log,
      tail,
      jobs,
      logger,
      orchestrate: createOrchestrator(agent),
      judgeWork: createJudges(agent),
      readTokens: (requestId) => readTokens(stores.ephemeral, council.id, requestId, '0-0'),
    },
    { name, concurrency, leaseMs },
  )
  closing.atOnce(worker.stop, 'the worker')
  return worker
}
