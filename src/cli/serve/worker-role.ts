import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { memberModels, unpricedModels } from '../../agents/models/member-models.ts'
import type { OpenedModel } from '../../agents/models/provider.ts'
import { createOrchestrator } from '../../agents/council/orchestrator.ts'
import type { CouncilDependencies } from '../../agents/council/state.ts'
import { previewBatcher } from '../../agents/tokens/preview-batcher.ts'
import { previewWriter, readTokens, tokenWriter } from '../../agents/tokens/token-stream.ts'
import { startWorker, type Worker } from '../../agents/worker/worker.ts'
import { earlierTurns } from '../../projections/chats.ts'
import { systemClock } from '../../platform/clock.ts'
import { CliError } from '../failure.ts'
import { newId } from './core.ts'
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
    const worker = await startJobs(context, await modelsOf(context, models))
    return {
      parts: [part],
      checks: [checkOf(part, { isNeeded: false })],
      failed: mustNotEnd(worker.done, 'no more jobs can be taken'),
    }
  },
}

type ModelOf = CouncilDependencies['modelOf']

/** A line for the price file. */
const examplePrice = (model: string): string =>
  JSON.stringify({ name: 'my-model', models: [model], promptMicrosPer1000: 150, completionMicrosPer1000: 600 })

/** The models of the members and of the chair. Throws CliError `model_unpriced` for a model that must not be called. */
async function modelsOf(
  { seating, prices, config, logger }: RoleContext,
  opened: Pick<OpenedModel, 'model' | 'modelOf'>,
): Promise<ModelOf> {
  const names = [...seating.members, seating.chair].map(({ model }) => model)
  const { modelOf, unserved } = await memberModels(opened, names)
  const unpriced = await unpricedModels([undefined, ...names].map(modelOf), prices, systemClock.nowMs())
  if (unpriced.length > 0)
    throw new CliError(
      'model_unpriced',
      `${unpriced.join(', ')}: no price in ${config.answers.pricesFile}. Add one, for example ${examplePrice(unpriced[0] ?? '')}`,
    )
  if (unserved.length > 0)
    logger.warn(
      { models: unserved },
      'no server serves these models of config/council.json; their members cannot answer',
    )
  return modelOf
}

async function startJobs(context: RoleContext, modelOf: ModelOf): Promise<Worker> {
  const { config, stores, prices, seating, closing, logger } = context
  const { council, answers } = config
  const { concurrency, leaseMs } = config.worker
  const { log, gate, tail } = context.core
  const name = `${hostname()}-${process.pid}-${newId().slice(-6)}`
  await seatCouncil(gate, council.id, seating, logger)
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
      readTokens: (requestId) => readTokens(stores.ephemeral, council.id, requestId, '0-0'),
    },
    { name, concurrency, leaseMs },
  )
  closing.atOnce(worker.stop, 'the worker')
  return worker
}
