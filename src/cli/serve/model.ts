import { createEmbeddedClient } from '../../agents/models/embedded/client.ts'
import { missingModel } from '../../agents/models/missing.ts'
import { findModelFile } from '../../agents/models/embedded/model-file.ts'
import type { ModelClient } from '../../agents/models/model.ts'
import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { CliError } from '../failure.ts'
import type { Closing } from './closing.ts'
import type { Steps } from './steps.ts'
import type { Part } from './part.ts'

/** Each answer's window, prompt included; SmolLM2 has 2,048 positions by its training. */
const embeddedContextTokens = 2048
const maxQueuedCalls = 1000
const connectTimeoutMs = 3_000

/**
 * The model that answers: a vLLM server where one is configured, else one on this machine's CPU, else none.
 * `underWay` is called once what takes long (loading, downloading) goes on outside of this process.
 */
export async function openModel(
  config: Config,
  closing: Closing,
  steps: Steps,
  logger: Logger,
  underWay: () => void,
): Promise<{ model: ModelClient; part: Part }> {
  const opened =
    config.vllmUrls.length > 0 ? await vllm(config, logger) : await embedded(config, steps, logger, underWay)
  underWay()
  closing.defer(opened.model.close, 'the model')
  return opened
}

async function vllm(config: Config, logger: Logger): Promise<{ model: ModelClient; part: Part }> {
  const { createVllmClient } = await import('../../agents/models/vllm/client.ts')
  const model = createVllmClient({
    urls: config.vllmUrls,
    ...(config.vllmModel && { model: config.vllmModel }),
    ...(config.vllmApiKey && { apiKey: config.vllmApiKey.reveal() }),
    connectTimeoutMs,
    firstByteTimeoutMs: config.vllmFirstTokenTimeoutMs,
    idleTimeoutMs: config.vllmIdleTimeoutMs,
    concurrency: config.vllmConcurrency,
    maxQueued: maxQueuedCalls,
    logger,
  })
  const health = await model.health()
  if (health.status !== 'pass' && health.code === 'model_unknown' && config.vllmModel === undefined) {
    await model.close()
    throw new CliError('usage', `${health.message} Set VLLM_MODEL to one of them`)
  }
  const atStart = health.status === 'pass' ? {} : { atStart: `not reachable: ${health.message}` }
  return {
    model,
    part: {
      name: 'model',
      kind: 'real',
      what: `vLLM at ${config.vllmUrls.join(', ')}`,
      look: () => mustPass(model),
      ...atStart,
    },
  }
}

async function embedded(
  config: Config,
  steps: Steps,
  logger: Logger,
  underWay: () => void,
): Promise<{ model: ModelClient; part: Part }> {
  const progress: Steps['step'] = (...step) => {
    underWay()
    steps.step(...step)
  }
  const file = await findModelFile({
    ...(config.modelPath && { modelPath: config.modelPath }),
    cacheDir: config.modelCache,
    progress,
  })
  if ('missing' in file) {
    logger.warn({ reasons: file.reasons }, 'there is no model')
    return {
      model: missingModel(file.whatToDo),
      part: { name: 'model', kind: 'missing', what: 'none', warning: file.whatToDo },
    }
  }
  steps.step('loading the model')
  const model = createEmbeddedClient({
    modelPath: file.path,
    threads: config.modelThreads,
    sequences: config.workerConcurrency,
    contextTokens: embeddedContextTokens,
    maxQueued: maxQueuedCalls,
    logger,
  })
  underWay()
  try {
    const { model: name } = await model.info()
    const rate = Math.round(await model.tokensPerSecond())
    const what = `${name} on the CPU, ${config.modelThreads} thread${config.modelThreads === 1 ? '' : 's'}, ${rate} tokens/s`
    return { model, part: { name: 'model', kind: 'embedded', what, look: () => mustPass(model) } }
  } catch (error) {
    // Its process is started again for as long as it takes: what is missing now, memory for example, may be there later.
    const atStart = `the model in ${file.path} could not be loaded: ${messageOf(error)}`
    return {
      model,
      part: { name: 'model', kind: 'embedded', what: `${file.path} on the CPU`, look: () => mustPass(model), atStart },
    }
  }
}

async function mustPass(model: ModelClient): Promise<void> {
  const health = await model.health()
  if (health.status !== 'pass') throw new Error(health.message)
}
