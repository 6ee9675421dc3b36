import { memberModels, unpricedModels, type MemberModels } from '../../agents/models/member-models.ts'
import type { OpenedModel } from '../../agents/models/provider.ts'
import type { HealthCheck } from '../../api/health.ts'
import { systemClock } from '../../platform/clock.ts'
import { CliError } from '../failure.ts'
import type { Part } from './part.ts'
import type { RoleContext } from './role.ts'

/** The models of the members and of the chair, and the check of those that have a name of their own. */
export type SeatedModels = Pick<MemberModels, 'modelOf'> & { checks: HealthCheck[] }

/**
 * Opens the models of the council, and reports those that no server serves: their members cannot answer. Throws CliError
 * `model_unpriced` for a model that must not be called.
 */
export async function seatedModels(
  { seating, prices, config, logger }: Pick<RoleContext, 'seating' | 'prices' | 'config' | 'logger'>,
  opened: Pick<OpenedModel, 'model' | 'modelOf'>,
  kind: Part['kind'],
): Promise<SeatedModels> {
  const seats = [...seating.members, seating.chair]
  const { modelOf, named, unserved } = memberModels(
    opened,
    seats.map(({ model }) => model),
  )
  const unpriced = await unpricedModels([opened.model, ...named.map(modelOf)], prices, systemClock.nowMs())
  if (unpriced.length > 0)
    throw new CliError(
      'model_unpriced',
      `${unpriced.join(', ')}: no price in ${config.answers.pricesFile}. Add one, for example ${examplePrice(unpriced[0] ?? '')}`,
    )
  const models = await unserved()
  if (models.length > 0)
    logger.warn({ models }, 'no server serves these models of config/council.json; their members cannot answer')
  if (named.length === 0) return { modelOf, checks: [] }

  const check: HealthCheck = {
    name: 'models of members',
    kind,
    isNeeded: false,
    async look() {
      const missing = await unserved()
      const silent = seats.flatMap(({ name, model }) =>
        model !== undefined && missing.includes(model) ? [`${name} (${model})`] : [],
      )
      if (silent.length === 0) return { status: 'pass', output: named.join(', ') }
      const output = `no server serves the models of ${silent.join(', ')}, so these members cannot answer. Serve the models at an address of VLLM_URL, or change the members in config/council.json and restart.`
      return { status: 'warn', output }
    },
  }
  return { modelOf, checks: [check] }
}

/** A line for the price file. */
const examplePrice = (model: string): string =>
  JSON.stringify({ name: 'my-model', models: [model], promptMicrosPer1000: 150, completionMicrosPer1000: 600 })
