import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { beginning, type Position, type StreamName } from '../../identifiers.ts'
import type { RecordedEvent } from '../../event.ts'
import type { SealEvent } from '../../seals.ts'
import { UnreadableEvent } from '../../upcast.ts'
import { upToSequence, type Archive, type ArchiveCheckpoint } from '../archive/archive.ts'
import { sealEventOf, sealTypes } from '../archive/seal-events.ts'
import type { FoldOf } from '../folds.ts'
import { hotEntries } from '../read/hot-entries.ts'
import type { LogKeys } from '../keys.ts'
import type { EventMacs } from '../integrity/mac.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import { hotEntry, mergeJoin } from './merge-join.ts'
import { compareStores, reportProblem, type HotEnd } from './compare-stores.ts'
import type { ReportFault } from './audit-faults.ts'
import { checkDeadlines, type CheckedDeadlines } from './deadlines.ts'
import { checkJobs, type CheckedJobs } from './jobs.ts'
import { createVerifier, type Verifier } from './verifier.ts'
import { sealCheck, type KeptOutside, type SealCheck } from './seals.ts'
import { compareStates, type ComparedStates } from './states.ts'

export type LogUnderAudit = {
  redis: Pick<RedisClient, 'hget' | 'hmget' | 'hscan' | 'zscan' | 'time' | 'xrange' | 'xrevrange' | 'multi'>
  keys: LogKeys
  councilId: string
  archive: Archive | null
  /** Null: MACs cannot be checked. */
  macs: EventMacs | null
  foldOf: FoldOf
  report: ReportFault
  /** Seals from outside the council. */
  outside: KeptOutside
  /** The rules of a complete index of deadlines. */
  deadlineRules: string
  /** The longest time without a new event for a stream that workers must finish. */
  jobOverdueMs: number
  onProgress: (done: number, total: number) => void
  signal: AbortSignal
}

export type AuditedLog = {
  end: ReturnType<Verifier['end']>
  archive: ArchiveCheckpoint | null
  /** Null: MACs were not checked. */
  macs: { genuine: number; unvouched: number } | null
  seals: ReturnType<SealCheck['counts']>
  ledger: { movements: number; sumMicros: bigint }
  /** Null: Redis holds another log. */
  states: ComparedStates | null
  /** Null: Redis holds another log, or the index is not complete. */
  deadlines: CheckedDeadlines | null
  /** Null: Redis holds another log. */
  jobs: CheckedJobs | null
  halted: string | null
}

/**
 * Verifies a log from its first event in one pass over archive and Redis: order, MACs, hash chain, contents, folds and ledger, the
 * agreement of both stores, the stored states with their deadlines, and the jobs of unfinished streams. The log may grow in the meantime.
 */
export async function verifyLog(log: LogUnderAudit): Promise<AuditedLog> {
  const { redis, keys, councilId, archive, report } = log
  // Read the archive first: its events were in Redis before.
  const checkpoint = (await archive?.checkpoint()) ?? null
  const hot = await hotEnd(redis, keys)
  const incarnation = checkpoint?.incarnation ?? hot.incarnation ?? ''
  const isSameLog = !checkpoint || checkpoint.incarnation === hot.incarnation
  if (!isSameLog) {
    const message = `the archive holds the log ${checkpoint.incarnation}, Redis ${hot.incarnation === null ? 'no log' : `the log ${hot.incarnation}`}`
    report('other_log', { position: beginning }, message)
  }
  const identity = { councilId, incarnation }
  const seals = sealCheck(identity, await allSeals(log, checkpoint, hot), log.outside, report)
  const pass = createVerifier({ ...log, identity, seals })
  const stores = compareStores({ ...log, checkpoint, hot })
  const total = Math.max(checkpoint?.sequence ?? 0, hot.sequence)
  const archived = archive && checkpoint ? upToSequence(archive.read(), checkpoint.sequence) : nothing()
  const entries = isSameLog ? hotEntries(redis, keys.log, beginning, hot.position) : nothing()
  for await (const rows of mergeJoin(archived, entries)) {
    log.signal.throwIfAborted()
    await stores.look(rows)
    for (const { archived: event, hot: entry } of rows) {
      if (event) pass.take(event, event.chainHead)
      else if (entry.event) pass.take(entry.event, null)
    }
    log.onProgress(pass.end().sequence, total)
  }
  stores.atEnd(pass.end())
  seals.atEnd(pass.end())
  const states = isSameLog
    ? await compareStates({
        redis,
        keys,
        folds: pass.folds,
        report,
        catchUp: (taken) => catchUp(log, pass, taken),
        end: () => pass.end().position,
      })
    : null
  pass.modelCosts.end()
  const deadlines = isSameLog
    ? await checkDeadlines({ ...log, folds: pass.folds, end: () => pass.end().position })
    : null
  const jobs = isSameLog ? await checkJobs({ ...log, folds: pass.folds }) : null
  return {
    end: pass.end(),
    archive: checkpoint,
    macs: pass.authenticity?.counts() ?? null,
    seals: seals.counts(),
    ledger: pass.ledger.end(),
    states,
    deadlines,
    jobs,
    halted: hot.halted,
  }
}

async function hotEnd(redis: LogUnderAudit['redis'], keys: LogKeys): Promise<HotEnd> {
  const replies = await redis
    .multi()
    .hmget(keys.meta, 'incarnation', 'sequence', 'halted')
    .xrevrange(keys.log, '+', '-', 'COUNT', 1)
    .exec()
  const [[, meta] = [], [, newest] = []] = replies ?? []
  const [incarnation = null, sequence = null, halted = null] = meta as (string | null)[]
  const [[position] = []] = newest as [string][]
  return { incarnation, sequence: Number(sequence ?? 0), position: (position ?? beginning) as Position, halted }
}

/** Every readable seal and sealing key. The verifier reports unreadable ones later. */
async function allSeals(
  { archive, redis, keys }: LogUnderAudit,
  checkpoint: ArchiveCheckpoint | null,
  hot: HotEnd,
): Promise<RecordedEvent<SealEvent>[]> {
  const seals: RecordedEvent<SealEvent>[] = []
  const keep = (event: StoredEvent): void => {
    try {
      const seal = sealEventOf(event)
      if (seal) seals.push(seal)
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error
    }
  }
  if (archive && checkpoint)
    for await (const events of archive.read({ types: sealTypes, upTo: checkpoint.position })) events.forEach(keep)
  for await (const entries of hotEntries(redis, keys.log, checkpoint?.position ?? beginning, hot.position))
    for (const { event } of entries.map(hotEntry)) if (event) keep(event)
  return seals
}

async function* nothing(): AsyncGenerator<never[]> {}

/** Verifies the events that were appended since. */
async function catchUp(
  { redis, keys, report }: LogUnderAudit,
  pass: Verifier,
  taken: (stream: StreamName) => void,
): Promise<void> {
  const { position } = await hotEnd(redis, keys)
  for await (const entries of hotEntries(redis, keys.log, pass.end().position, position))
    for (const raw of entries) {
      const entry = hotEntry(raw)
      reportProblem(entry, report)
      if (!entry.event) continue
      pass.take(entry.event, null)
      taken(entry.event.stream)
    }
}
