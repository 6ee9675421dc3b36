import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { Position, StreamName } from '../../identifiers.ts'
import { settleBlocked } from '../read/blocked-read.ts'
import { logReplaced } from '../integrity/log-stopped.ts'
import type { GuardedWrite } from '../integrity/write-guard.ts'
import { workersGroup, type LogKeys } from '../keys.ts'

/** A unit of work for a worker. The append that finishes it removes it from the queue. */
export type Job = {
  /** The id of its entry on the work stream. */
  entry: string
  kind: string
  stream: StreamName
  /** The event that the job is about. */
  position: Position
}

const renewScript = readFileSync(new URL('renew-lease.lua', import.meta.url), 'utf8')
const mendGroupScript = readFileSync(new URL('mend-group.lua', import.meta.url), 'utf8')
const remakeScript = readFileSync(new URL('remake-job.lua', import.meta.url), 'utf8')
const blockMs = 1000
/** The reserved consumer that holds delivered jobs without a worker, until their runner renews the lease or the lease expires. */
const unheld = 'unheld'

/** The state of a worker's lease on a job. `gone`: the entry was removed, because the job is finished or was deleted. */
export type LeaseState = 'held' | 'taken' | 'gone'

/**
 * The jobs of a council for competing workers. One worker at a time holds the lease on a job; another worker may take the job if the
 * lease is not renewed for `leaseMs`. A deleted group or consumer is created again, and running jobs stay with their workers.
 */
export type JobQueue = {
  /** Waits up to a second for new jobs. */
  takeNew: (count: number) => Promise<Job[]>
  /** Takes over jobs whose lease has expired. */
  takeAbandoned: (count: number) => Promise<Job[]>
  renew: (job: Job) => Promise<LeaseState>
  /** Creates the job of an unfinished stream again after its entry was deleted; null if the stream is finished. */
  remake: (job: Job) => Promise<Job | null>
  /** Ends the lease at once, so that the next worker can take the job (graceful shutdown). */
  giveBack: (job: Job) => Promise<void>
  /** Removes a job whose stream is finished already. */
  drop: (job: Job) => Promise<void>
  close: () => void
}

/** `blocking` is a connection of its own, `redis` is shared; writes to each go through its guard. */
export type JobQueueOptions = {
  redis: RedisClient
  write: GuardedWrite
  blocking: RedisClient
  writeBlocking: GuardedWrite
  keys: LogKeys
  incarnation: string
  consumer: string
  leaseMs: number
}

/** Opens the queue and creates the group if it is missing. Throws LogStopped if Redis holds another log, or none. */
export async function openJobQueue(options: JobQueueOptions): Promise<JobQueue> {
  const { redis, write, blocking, keys, incarnation, consumer, leaseMs } = options
  const group = await openGroup(options)
  let mendedAtMs = performance.now()

  return {
    async takeNew(count) {
      const read = await readNew(options, count)
      // Jobs that were delivered on a dead connection become available when the lease expires.
      if (read.outcome === 'stuck' || read.outcome === 'aborted') return []
      if (read.outcome === 'answered') {
        const [[, entries] = []] = (read.reply ?? []) as [string, Entry[]][]
        return parseJobs(entries ?? [])
      }
      if (!isGroupMissing(read.error)) throw read.error
      await group.mend()
      return []
    },

    async takeAbandoned(count) {
      // Deleting a consumer deletes its pending entries, which are all that XAUTOCLAIM sees.
      if (performance.now() - mendedAtMs >= leaseMs) {
        await group.mend()
        mendedAtMs = performance.now()
      }
      const [, entries] = (await group.run(() =>
        redis.xautoclaim(keys.work, workersGroup, consumer, leaseMs, '0', 'COUNT', count),
      )) as [string, Entry[]]
      return parseJobs(entries)
    },

    renew: async (job) =>
      (await group.run(() =>
        redis.eval(renewScript, 1, keys.work, workersGroup, consumer, job.entry, unheld),
      )) as LeaseState,

    async remake(job) {
      const { kind, stream, position } = job
      const entry = await group.run(() =>
        redis.eval(
          remakeScript,
          3,
          keys.meta,
          keys.states,
          keys.work,
          incarnation,
          workersGroup,
          consumer,
          kind,
          stream,
          position,
        ),
      )
      return entry === '' ? null : { ...job, entry: String(entry) }
    },

    async giveBack(job) {
      // An idle time beyond the lease lets the next XAUTOCLAIM of any worker take the job.
      await group.run(() =>
        redis.call('xclaim', keys.work, workersGroup, consumer, 0, job.entry, 'IDLE', leaseMs, 'JUSTID'),
      )
    },

    async drop(job) {
      // In this order: after a crash in between, XAUTOCLAIM drops the pending entry of a deleted job.
      await write(() => redis.xdel(keys.work, job.entry))
      await write(() => redis.xack(keys.work, workersGroup, job.entry))
    },

    close: () => blocking.disconnect(),
  }
}

/** The consumer group of the workers. */
type Group = {
  /** Creates a deleted group again, and gives delivered jobs without a holder to the reserved consumer. */
  mend: () => Promise<void>
  /** Runs a command, and runs it again after creating a missing group. */
  run: <Reply>(command: () => Promise<Reply>) => Promise<Reply>
}

/** Creates the group if it is missing. Throws LogStopped if Redis holds another log, or none. */
async function openGroup({ redis, write, keys, incarnation }: JobQueueOptions): Promise<Group> {
  const mend = async (cause: 'opening' | 'lost'): Promise<void> => {
    const [outcome, found] = (await write(() =>
      redis.eval(mendGroupScript, 2, keys.meta, keys.work, incarnation, workersGroup, unheld, cause),
    )) as string[]
    if (outcome === 'wrong_log') throw logReplaced(found ?? '')
  }
  await mend('opening')
  return {
    mend: () => mend('lost'),
    async run(command) {
      try {
        return await write(command)
      } catch (error) {
        if (!isGroupMissing(error)) throw error
        await mend('lost')
        return write(command)
      }
    },
  }
}

/** One blocking XREADGROUP for jobs that no worker has. */
const readNew = ({ blocking, writeBlocking, keys, consumer }: JobQueueOptions, count: number) =>
  settleBlocked(
    blocking,
    blockMs,
    writeBlocking(() =>
      blocking.xreadgroup('GROUP', workersGroup, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', keys.work, '>'),
    ),
  )

const isGroupMissing = (error: unknown): boolean => String(error).includes('NOGROUP')

type Entry = [id: string, fields: string[]]

function parseJobs(entries: Entry[]): Job[] {
  return entries.flatMap(([entry, fields]) => {
    const record: Record<string, string> = {}
    for (let i = 0; i < fields.length; i += 2) record[fields[i] ?? ''] = fields[i + 1] ?? ''
    const stream = StreamName.safeParse(record['stream'])
    const position = Position.safeParse(record['position'])
    // An entry that is not a job stays pending, where XPENDING shows it.
    return stream.success && position.success && record['kind']
      ? [{ entry, kind: record['kind'], stream: stream.data, position: position.data }]
      : []
  })
}
