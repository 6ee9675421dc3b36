import { postgresStore } from '../../projections/engine/postgres-store.ts'
import type { Projection } from '../../projections/engine/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { rebuild as rebuildProjection } from '../../projections/engine/rebuild.ts'
import { thisProcess } from '../../projections/engine/this-process.ts'
import { startProgress } from '../../platform/progress-display.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { openLogForReading, openReadModels } from '../running-council.ts'

/** `council rebuild`: rebuilds the named read models, or all, from the log, one by one, while the old ones keep serving. */
export async function rebuild(
  names: readonly string[],
  { config, output, interrupted, clock }: CliContext,
): Promise<number> {
  const projections = chosen(names)
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)
  const store = postgresStore(await openReadModels(config, closing))
  await store.migrate()
  for (const projection of projections) {
    const progress = startProgress({ label: `rebuilding ${projection.name}`, stream: output.stderr, clock })
    const dependencies = { log, store, rebuilder: thisProcess, elapsedMs: () => performance.now() }
    const built = await rebuildProjection(dependencies, projection, {
      signal: interrupted,
      onProgress: ({ done, total }) => progress.update(done, total),
    }).catch((error: unknown) => {
      progress.end('failed')
      if (interrupted.aborted)
        throw new CliError(
          'interrupted',
          `interrupted while rebuilding ${projection.name}; the old read model keeps serving`,
        )
      throw error
    })
    progress.end('done')
    const { generation, events, seconds, eventsPerSecond: rate } = built
    await output.result(
      { projection: projection.name, generation, events, seconds: Math.round(seconds * 1000) / 1000, rate },
      () =>
        `${projection.name.padEnd(9)} generation ${generation}: ${events.toLocaleString('en')} events in ${seconds.toFixed(1)} s, ${rate.toLocaleString('en')} a second`,
    )
  }
  return 0
}

function chosen(names: readonly string[]): readonly Projection[] {
  const known = readModels.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new CliError('usage', `there is no read model "${unknown}", only ${known.join(', ')}`)
  return readModels.filter(({ name }) => names.length === 0 || names.includes(name))
}
