import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { z } from 'zod'
import type { LogReader } from '../../events/log/log.ts'
import type { Archive } from '../../events/log/archive/archive.ts'
import type { EventsAt } from '../../events/log/read/events-at.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { isPostgresOutage } from '../../platform/postgres/postgres.ts'
import type { Tx } from '../../projections/engine/projection.ts'
import type { ReadModelReader } from '../../projections/engine/read-model-reader.ts'
import { newestSequence } from '../../projections/engine/rebuild.ts'
import { logIndex } from '../../projections/log-index.ts'
import { selectEvents } from '../../projections/log-selection.ts'
import { sendProblem } from '../problem.ts'
import { sendUnread } from '../queries/query-route.ts'
import { sendLogUnavailable } from './log-problem.ts'

type StandingSources = {
  readModel: ReadModelReader
  log: Pick<LogReader, 'read' | 'head'>
  eventsAt: EventsAt
  archive: Pick<Archive, 'checkpoint'>
}

/** `GET /v1/log`: how long the log is, how far it is archived and sealed, and by which key. */
export function logRoute(server: FastifyInstance, sources: StandingSources): void {
  server.get('/v1/log', { config: { scope: 'ops:audit' } }, async (_request, reply) => {
    try {
      const { readModel, log, archive } = sources
      const found = await readModel(logIndex, null, async (tx) => ({
        seals: await countOf(tx, 'LogSealed'),
        newest: await newestOf(tx, ['LogSealed', 'SealingKeyIntroduced']),
      }))
      if (found.outcome !== 'read') return await sendUnread(reply, found, null)
      const checkpoint = await archive.checkpoint()
      // Read after the archive, which is then never ahead of it.
      const [position, sequence] = [await log.head(), await newestSequence(log)]
      return await reply.send({
        head: { position, sequence },
        archive: checkpoint && {
          position: checkpoint.position,
          sequence: checkpoint.sequence,
          lagEvents: Math.max(0, sequence - checkpoint.sequence),
          trimmed: checkpoint.trimmed.sequence,
          chainHead: checkpoint.chainHead.toString('hex'),
        },
        seals: { count: found.result.seals, ...(await newestSeal(sources, found.result.newest)) },
      })
    } catch (error) {
      if (isPostgresOutage(error)) return sendProblem(reply, 'read_model_unavailable', `read models: ${error.message}`)
      return sendLogUnavailable(reply, messageOf(error))
    }
  })
}

const Counted = z.tuple([z.object({ count: z.coerce.number() })])

async function countOf(tx: Tx, type: string): Promise<number> {
  const { rows } = await sql`select count(*) as count from read_models.log_index where type = ${type}`.execute(tx)
  return Counted.parse(rows)[0].count
}

async function newestOf(tx: Tx, types: readonly string[]) {
  const newest = []
  for (const type of types)
    newest.push(...(await selectEvents(tx, { types: [type] }, { order: 'desc', cursor: null, limit: 1 })).rows)
  return newest
}

async function newestSeal({ eventsAt }: StandingSources, places: Awaited<ReturnType<typeof newestOf>>) {
  const events = await eventsAt(places)
  const seal = events.find(({ type }) => type === 'LogSealed')
  const introduced = events.find(({ type }) => type === 'SealingKeyIntroduced')
  return {
    newest:
      seal?.type === 'LogSealed'
        ? {
            position: seal.position,
            sealedAt: seal.metadata.occurredAt,
            /** It signs the log up to this event. */
            upTo: { position: seal.data.position, sequence: seal.data.sequence },
            keyId: seal.data.keyId,
          }
        : null,
    key:
      introduced?.type === 'SealingKeyIntroduced'
        ? {
            keyId: introduced.data.keyId,
            sha256: fingerprintOf(introduced.data.publicKey),
            position: introduced.position,
          }
        : null,
  }
}

/** Of the key's DER form, in hexadecimal: `openssl pkey -pubin -outform DER | sha256sum` prints the same. */
const fingerprintOf = (publicKey: string): string =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex')
