import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { Position, StreamName } from '../../identifiers.ts'
import { settleBlocked } from '../read/blocked-read.ts'
import { logReplaced } from '../integrity/log-stopped.ts'
import type { GuardedWrite } from '../integrity/guard.ts'
import { workersGroup, type LogKeys } from '../keys.ts'

/** Something that a worker has to do. It leaves the queue with the append that finishes it. */
export type Job = {
  /** Its entry on the work stream. */
  entry: string
  kind: string
  stream: StreamName
  /** The event that it is about. */
  position: Position
}

const renewScript = readFileSync(new URL('renew-lease.lua', import.meta.url), 'utf8')
const mendGroupScript = readFileSync(new URL('mend-group.lua', import.meta.url), 'utf8')
const remakeScript = readFileSync(new URL('remake-job.lua', import.meta.url), 'utf8')
const blockMs = 1000
/** Holds the jobs that were handed out and that no worker holds: their runner claims them, or the lease ends. No worker has this name. */
const unheld = 'unheld'

/** Whether a worker still holds a job. `gone`: its entry was removed, because the job is finished or because somebody deleted it. */
export type Claim = 'held' | 'taken' | 'gone'

/**
 * The jobs of a council, shared among competing workers: each job is held by one worker at a time, for as long as it
 * renews its claim, and goes to another when it stops doing so for `leaseMs`. A group or a consumer that was deleted is made
 * again; jobs that were handed out stay with the workers that run them.
 */
export type JobQueue = {
  /** Waits up to a second for jobs that nobody holds yet. */
  takeNew: (count: number) => Promise<Job[]>
  /** Takes over jobs whose worker has not renewed its claim for the lease. */
  takeAbandoned: (count: number) => Promise<Job[]>
  renew: (job: Job) => Promise<Claim>
  /** Makes a job of an unfinished stream again after its entry was deleted; null when the stream is finished. */
  remake: (job: Job) => Promise<Job | null>
  /** Gives a job back at once, for the next worker (an orderly stop). */
  giveBack: (job: Job) => Promise<void>
  /** Removes a job that needs no work any more (its stream is finished already). */
  drop: (job: Job) => Promise<void>
  close: () => void
}

/** `blocking` is a connection of its own, `redis` is shared; each is written to only through its guard. */
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

/** Takes part in the work. The group is made where it is missing. Throws LogStopped where Redis holds another log, or none. */
export async function openJobQueue({
  redis,
  write,
  blocking,
  writeBlocking,
  keys,
  incarnation,
  consumer,
  leaseMs,
}: JobQueueOptions): Promise<JobQueue> {
  const mendGroup = async (cause: 'opening' | 'lost'): Promise<void> => {
    const [outcome, found] = (await write(() =>
      redis.eval(mendGroupScript, 2, keys.meta, keys.work, incarnation, workersGroup, unheld, cause),
    )) as string[]
    if (outcome === 'wrong_log') throw logReplaced(found ?? '')
  }
  /** Does it again once the group is there. */
  async function inGroup<Reply>(command: () => Promise<Reply>): Promise<Reply> {
    try {
      return await write(command)
    } catch (error) {
      if (!isGroupMissing(error)) throw error
      await mendGroup('lost')
      return write(command)
    }
  }
  await mendGroup('opening')
  let mendedAtMs = performance.now()

  return {
    async takeNew(count) {
      const read = await settleBlocked(
        blocking,
        blockMs,
        writeBlocking(() =>
          blocking.xreadgroup(
            'GROUP',
            workersGroup,
            consumer,
            'COUNT',
            count,
            'BLOCK',
            blockMs,
            'STREAMS',
            keys.work,
            '>',
          ),
        ),
      )
      // Jobs that were handed out on a connection that fell silent are free for everyone again after the lease.
      if (read.outcome === 'stuck' || read.outcome === 'aborted') return []
      if (read.outcome === 'answered') {
        const [[, entries] = []] = (read.reply ?? []) as [string, Entry[]][]
        return parseJobs(entries ?? [])
      }
      if (!isGroupMissing(read.error)) throw read.error
      await mendGroup('lost')
      return []
    },

    async takeAbandoned(count) {
      // A deleted consumer takes its claims with it, and XAUTOCLAIM looks at claims alone.
      if (performance.now() - mendedAtMs >= leaseMs) {
        await mendGroup('lost')
        mendedAtMs = performance.now()
      }
      const [, entries] = (await inGroup(() =>
        redis.xautoclaim(keys.work, workersGroup, consumer, leaseMs, '0', 'COUNT', count),
      )) as [string, Entry[]]
      return parseJobs(entries)
    },

    renew: async (job) =>
      (await inGroup(() => redis.eval(renewScript, 1, keys.work, workersGroup, consumer, job.entry, unheld))) as Claim,

    async remake(job) {
      const { kind, stream, position } = job
      const entry = await inGroup(() =>
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
      // An idle time beyond the lease makes the job free for the next XAUTOCLAIM of any worker.
      await inGroup(() =>
        redis.call('xclaim', keys.work, workersGroup, consumer, 0, job.entry, 'IDLE', leaseMs, 'JUSTID'),
      )
    },

    async drop(job) {
      // In this order: whatever comes between them, XAUTOCLAIM forgets a claim on an entry that is gone.
      await write(() => redis.xdel(keys.work, job.entry))
      await write(() => redis.xack(keys.work, workersGroup, job.entry))
    },

    close: () => blocking.disconnect(),
  }
}

const isGroupMissing = (error: unknown): boolean => String(error).includes('NOGROUP')

type Entry = [id: string, fields: string[]]

function parseJobs(entries: Entry[]): Job[] {
  return entries.flatMap(([entry, fields]) => {
    const record: Record<string, string> = {}
    for (let i = 0; i < fields.length; i += 2) record[fields[i] ?? ''] = fields[i + 1] ?? ''
    const stream = StreamName.safeParse(record['stream'])
    const position = Position.safeParse(record['position'])
    // An entry that is not a job stays pending, where XPENDING shows it; it is never half-done.
    return stream.success && position.success && record['kind']
      ? [{ entry, kind: record['kind'], stream: stream.data, position: position.data }]
      : []
  })
}
