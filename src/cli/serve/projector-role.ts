import type { HealthCheck } from '../../api/health.ts'
import { startProjector } from '../../projections/engine/projector.ts'
import { readModels } from '../../projections/read-models.ts'
import { thisProcess } from '../../projections/engine/this-process.ts'
import type { Role, RoleContext, StartedRole } from './role.ts'

/** A start waits this long for read models that are nearly up to date; others catch up while the council serves. */
const catchUpMs = 3_000

/** Applies the log's events to the read models. */
export const projectorRole: Role = { name: 'projector', start: startProjecting }

async function startProjecting({ stores, core: { log }, closing, logger }: RoleContext): Promise<StartedRole> {
  const projector = startProjector({
    log,
    database: stores.postgres,
    projections: readModels,
    rebuilder: thisProcess,
    elapsedMs: () => performance.now(),
    logger,
  })
  closing.defer(projector.stop, 'the projector')
  await projector.waitFor(await log.head(), AbortSignal.timeout(catchUpMs))
  const checks = readModels.map(({ name }): HealthCheck => ({
    name: `projection ${name}`,
    kind: 'internal',
    // The council answers prompts and records events without it.
    isNeeded: false,
    look() {
      const status = projector.status().find((projection) => projection.name === name)
      const fault = status?.code ? `: ${status.code}: ${status.message}` : ''
      return Promise.resolve({
        status: status?.state === 'running' ? 'pass' : 'warn',
        output: `${status?.state}, at ${status?.position}, ${status?.lag} events behind${fault}`,
      })
    },
  }))
  return { checks, projections: projector.status }
}
