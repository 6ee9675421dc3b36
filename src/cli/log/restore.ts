import { aggregateOf, deadlineRules } from '../../commands/registry.ts'
import { logKeys } from '../../events/log/keys.ts'
import { restore as restoreLog, type Restored } from '../../events/log/restore/restore.ts'
import { RestoreRefused } from '../../events/log/restore/stores.ts'
import { acquireDataDirLock } from '../../platform/process/data-dir-lock.ts'
import { assertDataDir } from '../../platform/process/data-dir.ts'
import { endOrphans } from '../../platform/process/orphans.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'
import { startProgress, type Progress } from '../../platform/progress-display.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { openArchive } from './open-archive.ts'
import { createSteps } from '../serve/steps.ts'
import { openReadModels, openRedis } from '../running-council.ts'

export type RestoreCommandOptions = { dryRun?: boolean }

/**
 * `council restore`: restores the log, or its lost tail, from the archive to Redis. Uses the servers of a council that runs on this
 * DATA_DIR, or starts the embedded ones for the duration. Refuses when the two histories differ.
 */
export async function restore({ dryRun = false }: RestoreCommandOptions, context: CliContext): Promise<number> {
  const { config, output, interrupted } = context
  const { id: councilId } = config.council
  await using closing = new AsyncDisposableStack()
  const { redis, postgres, isOurs } = await openEverything(context, closing)
  const archive = await openArchive(postgres)
  if (!archive)
    throw new RestoreRefused(
      'no_archive',
      'nothing was ever archived in this database, so there is nothing to restore from',
    )
  const progress = progressOf(context)
  let restored: Restored
  try {
    const stores = { redis, keys: logKeys(councilId), councilId, archive, foldOf: aggregateOf, deadlineRules }
    restored = await restoreLog(stores, { dryRun, onProgress: progress.show, signal: interrupted })
  } catch (error) {
    progress.end('failed')
    if (interrupted.aborted)
      throw new CliError(
        'interrupted',
        'interrupted; the log is partly restored and accepts no writes: run council restore again',
      )
    throw error
  }
  progress.end('done')
  await output.result(publicForm(restored, dryRun), () => formatRestored(restored, dryRun, isOurs))
  return 0
}

type Everything = { redis: RedisClient; postgres: Postgres<unknown>; isOurs: boolean }

/** `isOurs`: the embedded servers run only for this command. */
async function openEverything(
  { config, output, clock }: CliContext,
  closing: AsyncDisposableStack,
): Promise<Everything> {
  const { dataDir } = config.council
  const isRemote = config.stores.redisUrl !== undefined && config.stores.databaseUrl !== undefined
  if (!isRemote) assertDataDir(dataDir)
  const lock = isRemote ? null : acquireDataDirLock(dataDir)
  if (lock?.held) {
    closing.defer(() => lock.release())
    await endOrphans(dataDir)
    const { openStores } = await import('../serve/stores.ts')
    const steps = createSteps(output.stderr, clock)
    const { redis, postgres } = await openStores(config, closing, steps, silentLogger)
    steps.end('done')
    return { redis, postgres, isOurs: true }
  }
  const { redis } = await openRedis(config, closing)
  return { redis, postgres: await openReadModels(config, closing), isOurs: false }
}

function progressOf({ output, clock }: CliContext) {
  let current: { step: string; progress: Progress } | undefined
  const end = (outcome: 'done' | 'failed'): void => {
    current?.progress.end(outcome)
    current = undefined
  }
  return {
    end,
    show: (step: 'comparing' | 'writing', done: number, total: number): void => {
      if (current?.step !== step) {
        end('done')
        current = {
          step,
          progress: startProgress({
            label: step === 'comparing' ? 'comparing Redis with the archive' : 'writing events to Redis',
            stream: output.stderr,
            clock,
          }),
        }
      }
      current.progress.update(done, total)
    },
  }
}

const isNothing = ({ events, derived, identity }: Restored): boolean =>
  events === 0 && !identity && Object.values(derived).every((count) => count === 0)

function publicForm(restored: Restored, dryRun: boolean) {
  const { incarnation, end, trimmed, events, derived } = restored
  return {
    kind: isNothing(restored) ? 'whole' : dryRun ? 'would_restore' : 'restored',
    incarnation,
    position: end.position,
    sequence: end.sequence,
    events,
    trimmed,
    states: derived.states,
    finishedStreams: derived['finished streams'],
    commandIds: derived['command ids'],
    callersKeys: derived['keys of callers'],
    deadlines: derived.deadlines,
    jobs: derived.jobs,
  }
}

const labelWidth = 17

function formatRestored(restored: Restored, dryRun: boolean, isOurs: boolean): string[] {
  const { incarnation, end, trimmed, events, derived } = restored
  const log = `${'log'.padEnd(labelWidth)} ${number(end.sequence)} events, to ${end.position}, incarnation ${incarnation}`
  if (isNothing(restored)) return [log, 'Redis has all of it; there is nothing to restore.']
  return [
    log,
    `${'events'.padEnd(labelWidth)} ${number(events)}${trimmed > 0 ? `; ${number(trimmed)} older ones stay only in the archive` : ''}`,
    ...Object.entries(derived).map(([kind, count]) => `${kind.padEnd(labelWidth)} ${number(count)}`),
    dryRun ? 'Dry run: nothing was written.' : `Restored. ${nextStep(isOurs)}`,
  ]
}

const nextStep = (isOurs: boolean): string =>
  isOurs
    ? 'Start the council: bin/start'
    : 'Restart every process of this council: running ones still refuse to write to the log.'

const number = (value: number): string => value.toLocaleString('en')
