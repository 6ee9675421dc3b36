import type { HealthCheck } from '../../api/health.ts'
import { startProjector } from '../../projections/engine/projector.ts'
import { readModels } from '../../projections/read-models.ts'
import { thisProcess } from '../../projections/engine/this-process.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Closing } from './closing.ts'
import type { Core } from './core.ts'
import type { Stores } from './stores.ts'

/** So long a start waits for read models that are nearly there; longer ones catch up while it serves. */
const catchUpMs = 3_000

/** Keeps the read models up with the log. Returns how they are, for `/health`. */
export async function startProjectorRole(
  stores: Stores,
  { log }: Core,
  closing: Closing,
  logger: Logger,
): Promise<HealthCheck[]> {
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
  return readModels.map(({ name }) => ({
    name: `projection ${name}`,
    kind: 'internal',
    // Questions are answered and events recorded all the same.
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
}
