/** The provider of the embedded model. */

import { messageOf } from '../../../platform/platform-error.ts'
import type { ModelProvider } from '../provider.ts'
import { createEmbeddedClient } from './client.ts'
import { findModelFile } from './model-file.ts'

/** Window of each answer, prompt included. SmolLM2 was trained with 2,048 positions. */
const contextTokens = 2048
const maxQueuedCalls = 1000

/** A model on this machine's CPU. It needs no settings, and has no model where no model file can be found or downloaded. */
export const embeddedProvider: ModelProvider = {
  name: 'embedded',
  isConfigured: () => true,
  async open({ config, logger, step, onBackground }) {
    const { path, threads, cacheDir } = config.embeddedModel
    const file = await findModelFile({
      ...(path && { modelPath: path }),
      cacheDir,
      progress: (...progress) => {
        onBackground()
        step(...progress)
      },
    })
    if ('missing' in file) {
      logger.warn({ reasons: file.reasons }, 'no embedded model is available')
      return { advice: file.advice }
    }
    step('loading the model')
    const model = createEmbeddedClient({
      modelPath: file.path,
      threads,
      sequences: config.worker.concurrency,
      contextTokens,
      maxQueued: maxQueuedCalls,
      logger,
    })
    onBackground()
    try {
      const { model: name } = await model.info()
      const rate = Math.round(await model.tokensPerSecond())
      const what = `${name} on the CPU, ${threads} thread${threads === 1 ? '' : 's'}, ${rate} tokens/s`
      return { model, modelOf: model.modelOf, kind: 'embedded', what }
    } catch (error) {
      // The client restarts its process indefinitely: a shortage of memory, for example, may be over later.
      const atStart = `the model in ${file.path} could not be loaded: ${messageOf(error)}`
      return { model, modelOf: model.modelOf, kind: 'embedded', what: `${file.path} on the CPU`, atStart }
    }
  },
}
