import { memberModels, type MemberModels } from '../../agents/models/member-models.ts'
import type { OpenedModel } from '../../agents/models/provider.ts'
import type { HealthCheck } from '../../api/health.ts'
import type { Part } from './part.ts'
import type { RoleContext } from './role.ts'

/** The models of the members and of the chair, and the check of those that have a name of their own. */
export type SeatedModels = Pick<MemberModels, 'modelOf'> & { checks: HealthCheck[] }

/** Opens the models of the council, and reports those that no server serves: their members cannot answer. */
export async function seatedModels(
  { seating, logger }: Pick<RoleContext, 'seating' | 'logger'>,
  opened: Pick<OpenedModel, 'model' | 'modelOf'>,
  kind: Part['kind'],
): Promise<SeatedModels> {
  const seats = [...seating.members, seating.chair]
  const { modelOf, named, unserved } = memberModels(
    opened,
    seats.map(({ model }) => model),
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
