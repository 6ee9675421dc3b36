import { aggregateOf, deadlineRules } from '../../commands/registry.ts'
import { maxAttempts } from '../../commands/paid-calls.ts'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { postgresArchive } from '../../events/log/archive/archive.ts'
import { readArchiveFirst } from '../../events/log/read/archive-first.ts'
import { hotLog } from '../../events/log/read/hot-log.ts'
import { readStored } from '../../events/log/read/stored-event.ts'
import { collectFaults, type Faults } from '../../events/log/verify/audit-faults.ts'
import { verifyLog, type AuditedLog } from '../../events/log/verify/verify.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'
import { startProgress } from '../../platform/progress-display.ts'
import { compareReadModels, type ComparedReadModel } from '../../projections/engine/compare.ts'
import type { Tx } from '../../projections/engine/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { printVerdict, type Verdict } from './verdict.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { keptOutside, type OutsideFiles } from './kept-outside.ts'
import { openArchive } from '../log/open-archive.ts'
import { OutputClosed, type Output } from '../output.ts'
import { knownMacKeys } from '../serve/mac-keys.ts'
import { openReadModels, openRedis, type OpenRedis } from '../running-council.ts'

export type AuditVerifyOptions = OutsideFiles & { resume?: boolean }

/** A read model is compared in a few large statements. */
const statementTimeoutMs = 1_800_000

/**
 * `council audit verify`: checks that the log is what the gates wrote, from its first event on, and that all derived data follows from
 * it. Prints the faults by position, and the questions that remain open. Exits with 1 if there is any fault. `resume` allows writes to
 * a halted log again if there is none.
 */
export async function auditVerify(
  { resume = false, ...files }: AuditVerifyOptions,
  context: CliContext,
): Promise<number> {
  const { config, output } = context
  const outside = keptOutside(files)
  await using closing = new AsyncDisposableStack()
  const store = await openRedis(config, closing)
  const unknown: string[] = []
  const postgres = await orUnknown(
    'the archive and the read models',
    unknown,
    openReadModels(config, closing, { statementTimeoutMs }),
  )
  const archive = postgres && (await openArchive(postgres))
  if (postgres && !archive) unknown.push('whether Redis was changed since: nothing of this log is archived')
  if (!postgres && ((await hotLog(store.redis, store.keys).edge()).oldest?.sequence ?? 1) > 1)
    throw new CliError(
      'no_archive',
      `the beginning of this log is only in the archive, which is unreachable: ${unknown.join('; ')}`,
    )
  if (!archive && (await store.redis.hexists(store.keys.meta, 'incarnation')) === 0)
    throw new CliError(
      'no_log',
      `this Redis holds no log of the council "${config.council.id}", and there is no archive of one`,
    )
  const macs = knownMacKeys(config)
  if (!macs) unknown.push('whether events are genuine: the keys of their MACs are not on this machine (MAC_KEY_FILE)')

  const faults = collectFaults()
  const log = await verifyWithProgress(context, {
    ...store,
    councilId: config.council.id,
    archive,
    macs,
    foldOf: aggregateOf,
    outside,
    deadlineRules,
    report: faults.report,
    jobOverdueMs: maxAttempts * (config.answers.timeoutMs + config.worker.leaseMs),
  })
  const compared =
    postgres && (await orUnknown('the read models', unknown, compareWithLog(store, postgres, archive !== null, faults)))
  unknown.push(...limitsOf(log, outside.publicKey !== null))
  const resumed = resume && log.halted !== null && faults.count() === 0
  if (resumed) await store.redis.hdel(store.keys.meta, 'halted')
  const readModels = compared ?? []
  return await report(output, { log, readModels, faults: faults.listed(), count: faults.count(), unknown, resumed })
}

/** Prints a verdict and returns its exit code, which tells the verdict even to a caller that does not read the output to its end. */
async function report(output: Output, verdict: Verdict): Promise<number> {
  const { faults, count } = verdict
  const isFaulty = count > 0
  try {
    await printVerdict(output, verdict)
  } catch (error) {
    if (isFaulty && error instanceof OutputClosed) return 1
    if (isFaulty && error instanceof CliError)
      throw new CliError(
        'output_failed',
        `${error.message}; the log has ${count} fault(s), the first at ${faults[0]?.position}`,
      )
    throw error
  }
  return isFaulty ? 1 : 0
}

/** An unreachable store is not a fault of the log, but leaves a question open. */
async function orUnknown<T>(what: string, unknown: string[], work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    unknown.push(`${what}: ${messageOf(error)}`)
    return null
  }
}

async function verifyWithProgress(
  { output, clock, interrupted }: CliContext,
  log: Omit<Parameters<typeof verifyLog>[0], 'onProgress' | 'signal'>,
): Promise<AuditedLog> {
  const progress = startProgress({ label: 'verifying the log', stream: output.stderr, clock })
  try {
    const verified = await verifyLog({ ...log, onProgress: progress.update, signal: interrupted })
    progress.end('done')
    return verified
  } catch (error) {
    progress.end('failed')
    if (interrupted.aborted) throw new CliError('interrupted', 'interrupted before the log was verified to its end')
    throw error
  }
}

async function compareWithLog(
  { redis, keys }: OpenRedis,
  postgres: Postgres<unknown>,
  isArchived: boolean,
  { report }: Faults,
): Promise<ComparedReadModel[]> {
  async function* log(tx: Tx): AsyncGenerator<AnyRecordedEvent[]> {
    // Uses the comparison's own transaction: the embedded Postgres runs one at a time.
    const within = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => work(tx)
    const archive = isArchived ? postgresArchive({ transaction: within, snapshot: within }) : null
    for await (const events of readArchiveFirst(archive, redis, keys.log)) yield events.map(readStored)
  }
  const compared = await compareReadModels(postgres, readModels, log)
  for (const model of compared)
    if (model.state === 'compared')
      for (const difference of model.differences) report('read_model_differs', difference, difference.message)
  return compared
}

/** Questions that remain open even for a log without faults. */
function limitsOf({ macs, archive, end, seals, states, deadlines, halted }: AuditedLog, isKeyGiven: boolean): string[] {
  const { newestOutside } = seals
  const limits = []
  if (newestOutside === null)
    limits.push(
      'whether the owner of this machine has cut off the end of the log, or rewritten and signed all of it: only a seal kept elsewhere shows that (--seal, --public-key)',
    )
  else if (newestOutside < end.sequence)
    limits.push(
      `whether events were cut off or rewritten after number ${newestOutside}, where the newest seal that was kept outside stands`,
    )
  if (newestOutside !== null && !isKeyGiven)
    limits.push('whether the seals kept outside are of this council: only its public key shows that (--public-key)')
  if (macs && macs.unvouched > 0)
    limits.push(`whether the first ${macs.unvouched} events are genuine: they were written before there were MACs`)
  if (archive && archive.sequence < end.sequence)
    limits.push(
      `whether the ${end.sequence - archive.sequence} newest events were changed since: they are not archived yet`,
    )
  if (states && !deadlines)
    limits.push('whether the clock acts on every stream: no scheduler of this version has indexed this log yet')
  if (halted !== null) limits.push(`whether more was to be written when the log was halted: ${halted}`)
  return limits
}
