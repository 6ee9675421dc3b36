import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { startProjector } from '../../../src/projections/engine/projector.ts'
import { readModels } from '../../../src/projections/read-models.ts'
import { openTestCouncil, type TestCouncil } from '../../support/council.ts'
import { createDatabaseOn } from '../../support/postgres-server.ts'
import { storedTables } from '../../support/read-models.ts'
import { startRedis, type RedisServer } from '../../support/redis-server.ts'
import { identityOf, storedLogOf } from '../../support/stored-log.ts'
import { startArchiving } from './archiving.ts'
import { collectEvidence, type Evidence } from './evidence.ts'
import { readHistory, type Call } from './history.ts'
import { createPart, type Part, type PartOptions, type Role } from './part.ts'

/** A council of processes under load, on one Redis and one Postgres. */
export type Stage = {
  redis: RedisServer
  councilId: string
  parts: readonly Part[]
  /** The processes of a role, in the order of their names. */
  of: (role: Role) => readonly Part[]
  /** Resolves when every gate has answered this number of further commands. */
  progress: (answers: number) => Promise<void>
  /** Ends the load and waits for workers and projectors; resolves with the recorded calls and the stored data. */
  finish: () => Promise<{ calls: Call[]; evidence: Evidence }>
  /** Kills all processes. */
  close: () => Promise<void>
}

const cast: readonly [Role, number][] = [
  ['gate', 2],
  ['worker', 2],
  ['archiver', 1],
  ['projector', 1],
]
const finishMs = 60_000

/** Resolves when the load runs. */
export async function raiseStage(postgresUrl: string, seed: number): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'chaos-'))
  const redis = await startRedis()
  const councilId = `chaos-${seed}`
  const databaseUrl = await createDatabaseOn(postgresUrl)
  const historyFile = join(dir, 'history.jsonl')
  const options: PartOptions = { redisPort: redis.port, databaseUrl, councilId, historyFile, seed }
  const parts: Part[] = []
  for (const [role, count] of cast)
    for (let number = 1; number <= count; number++)
      parts.push(await createPart(role, `${role}-${number}`, { ...options, seed: seed * 100 + parts.length * 10 }))
  const of = (role: Role) => parts.filter((part) => part.role === role)

  const close = async (): Promise<void> => {
    for (const part of parts) {
      await part.kill()
      await part.stop()
    }
    await redis.stop()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    const [first, ...others] = parts
    await first?.start()
    await Promise.all(others.map((part) => part.start()))
  } catch (error) {
    await close()
    throw error
  }

  return {
    redis,
    councilId,
    parts,
    of,
    async progress(answers) {
      await Promise.all(
        of('gate').map(async (gate) => {
          const before = gate.lines().findLast((line) => line.startsWith('answered '))
          const target = Number(before?.split(' ')[1] ?? 0) + Math.ceil(answers / 10) * 10
          await gate.line(new RegExp(`^answered ${target}$`))
        }),
      )
    },
    async finish() {
      for (const gate of of('gate')) await gate.stop()
      const council = await openTestCouncil(redis.url, councilId)
      await everyPromptEnded(council.log)
      for (const part of parts) await part.stop()
      const evidence = await collectEvidence(council, await onPostgres(council, redis.url, databaseUrl))
      council.close()
      return { calls: readHistory([historyFile]), evidence }
    },
    close,
  }
}

type Log = TestCouncil['log']

/** Waits a bounded time for the workers: the checker reports the prompts that never ended. */
async function everyPromptEnded(log: Log): Promise<void> {
  const open = new Set<string>()
  const note = (events: readonly { type: string; stream: string }[]) => {
    for (const { type, stream } of events) {
      if (type === 'PromptSubmitted') open.add(stream)
      if (/^Answer(Completed|Failed|Cancelled)$/.test(type)) open.delete(stream)
    }
  }
  let head = await log.head()
  for await (const events of log.read({ upTo: head })) note(events)
  const deadline = AbortSignal.timeout(finishMs)
  while (open.size > 0 && !deadline.aborted) {
    const abort = new AbortController()
    for await (const events of log.follow(head, AbortSignal.any([deadline, abort.signal]))) {
      note(events)
      head = events.at(-1)?.position ?? head
      abort.abort()
    }
  }
}

/** The archive and the read models, once they have reached the head of the log. */
async function onPostgres(
  council: TestCouncil,
  redisUrl: string,
  databaseUrl: string,
): Promise<Pick<Evidence, 'archived' | 'readModels'>> {
  const { log } = council
  const database = connectPostgres<unknown>({ url: databaseUrl, maxConnections: 4, logger: silentLogger })
  const { archiver, archive } = await startArchiving(council, redisUrl, database)
  const projector = startProjector({ log, database, projections: readModels, logger: silentLogger })
  try {
    const head = await log.head()
    const outcomes = await Promise.all(
      [archiver, projector].map((follower) => follower.waitFor(head, AbortSignal.timeout(finishMs))),
    )
    if (outcomes.some((outcome) => outcome !== 'reached'))
      throw new Error(
        `Postgres did not catch up (${outcomes.join(', ')}): ${JSON.stringify([archiver.status(), projector.status()])}`,
      )
    const rows = await database.snapshot((tx) => storedTables(tx, readModels))
    const hot = (await Array.fromAsync(storedLogOf(council, redisUrl).readStored())).flat()
    const archived = (await Array.fromAsync(archive.read()))
      .flat()
      .map((event) => ({ ...event, chainHead: event.chainHead.toString('hex') }))
    return { archived: { identity: await identityOf(council), hot, archived }, readModels: rows }
  } finally {
    await archiver.stop()
    await projector.stop()
    await database.close()
  }
}
