import { ModelError } from '../../agents/models/model.ts'
import type { OpenedModel } from '../../agents/models/provider.ts'
import { openProvider } from '../../agents/models/providers.ts'
import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import { CliError } from '../failure.ts'
import type { Closing } from './closing.ts'
import type { Steps } from './steps.ts'
import type { Part } from './part.ts'

/** Opens the model that answers prompts. Calls `onBackground` once the remaining work no longer occupies this process. */
export async function openModel(
  config: Config,
  closing: Closing,
  steps: Steps,
  logger: Logger,
  onBackground: () => void,
): Promise<Pick<OpenedModel, 'model' | 'modelOf'> & { part: Part }> {
  const { model, modelOf, ...described } = await openProvider({ config, logger, step: steps.step, onBackground }).catch(
    (error: unknown) => {
      throw error instanceof ModelError ? new CliError('usage', error.message) : error
    },
  )
  onBackground()
  closing.defer(model.close, 'the model')
  const look = async (): Promise<void> => {
    const health = await model.health()
    if (health.status !== 'pass') throw new Error(health.message)
  }
  return { model, modelOf, part: { name: 'model', ...described, ...(described.kind !== 'missing' && { look }) } }
}
