import type { FastifyInstance } from 'fastify'
import type { LogReader } from '../../events/log/log.ts'
import { positionTimeMs, type Position } from '../../events/identifiers.ts'
import { isoTime, type Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { isPostgresOutage, type Postgres } from '../../platform/postgres/postgres.ts'
import type { ProjectionStatus } from '../../projections/engine/projector.ts'
import type { Rebuilder } from '../../projections/engine/rebuild-lease.ts'
import { newestSequence } from '../../projections/engine/rebuild.ts'
import { loadStandings, type RunningRebuild, type Standing } from '../../projections/engine/standing.ts'
import { readModels } from '../../projections/read-models.ts'
import { identityOf } from '../access/check-access.ts'
import { sendLogUnavailable } from '../log/log-problem.ts'
import { sendProblem } from '../problem.ts'
import type { BackgroundCommand, CommandRun } from './background-command.ts'
import { printRun } from './print-run.ts'

export type ProjectionSources = {
  database: Pick<Postgres<unknown>, 'snapshot'>
  log: Pick<LogReader, 'read' | 'head'>
  /** Of the projector in this process; null: it runs in another one. */
  statuses: (() => readonly ProjectionStatus[]) | null
  rebuild: BackgroundCommand
  rebuilder: Pick<Rebuilder, 'host' | 'isAlive'>
  clock: Clock
}

/** `GET /v1/projections`: how far each read model is behind the log, why it has stopped, and whether it is being rebuilt. */
export function projectionsRoute(server: FastifyInstance, sources: ProjectionSources): void {
  server.get('/v1/projections', { config: { scope: 'ops:audit' } }, async (_request, reply) => {
    try {
      const { database, log, statuses, rebuild, clock } = sources
      const { standings, rebuilds } = await database.snapshot(loadStandings)
      // Read after the checkpoints, which are then never ahead of it.
      const head = await newestSequence(log)
      const own = new Map((statuses?.() ?? []).map((status) => [status.name, status]))
      const nowMs = clock.nowMs()
      const projections = readModels.map(async ({ name, version }) => {
        const standing = standings.find((one) => one.name === name)
        const lagEvents = Math.max(0, head - (standing?.sequence ?? 0))
        const status = own.get(name)
        return {
          name,
          version,
          state: stateOf(standing, version, status),
          generation: standing?.generation ?? null,
          position: standing?.position ?? null,
          updatedAt: standing?.updatedAt ?? null,
          lagEvents,
          lagMs: lagEvents === 0 ? 0 : await ageOfNext(log, standing?.position, nowMs),
          fault: status?.code === undefined ? null : { code: status.code, message: status.message ?? '' },
          rebuild: printRebuild(running(sources, rebuilds, name), rebuild.latest(), name),
        }
      })
      const latest = rebuild.latest()
      return await reply.send({
        head,
        projections: await Promise.all(projections),
        lastRebuild: latest && printRun(latest),
      })
    } catch (error) {
      if (isPostgresOutage(error)) return sendProblem(reply, 'read_model_unavailable', `read models: ${error.message}`)
      return sendLogUnavailable(reply, messageOf(error))
    }
  })
}

/** `POST /v1/projections/:name/rebuild`: starts a rebuild next to the read model that serves. One runs at a time. */
export function rebuildRoute(server: FastifyInstance, sources: ProjectionSources): void {
  server.post<{ Params: { name: string } }>(
    '/v1/projections/:name/rebuild',
    { config: { scope: 'ops:rebuild' } },
    async (request, reply) => {
      const { name } = request.params
      if (!readModels.some((known) => known.name === name))
        return sendProblem(reply, 'not_found', 'there is no such read model')
      const { database, rebuild } = sources
      const standing = await database.snapshot(loadStandings).catch((error: unknown) => {
        if (isPostgresOutage(error)) return error
        throw error
      })
      if (standing instanceof Error)
        return sendProblem(reply, 'read_model_unavailable', `read models: ${standing.message}`)
      const holder = running(sources, standing.rebuilds, name)
      if (holder)
        return sendProblem(reply, 'rebuild_running', `process ${holder.pid} on ${holder.host} is rebuilding ${name}`)
      const { subject } = identityOf(request)
      if (!rebuild.start(['rebuild', name], { about: name, startedBy: subject }))
        return sendProblem(
          reply,
          'rebuild_running',
          `this server is rebuilding ${rebuild.latest()?.about}; one at a time`,
        )
      const run = rebuild.latest()
      return reply.code(202).send(run && printRun(run))
    },
  )
}

type State = ProjectionStatus['state'] | 'not_built' | 'other_version' | 'elsewhere'

/** `elsewhere`: the projector is another process, and only the lag tells how it does. */
function stateOf(standing: Standing | undefined, version: number, status: ProjectionStatus | undefined): State {
  if (!standing) return status?.state === 'stopped' ? 'stopped' : 'not_built'
  if (standing.version !== version) return 'other_version'
  return status?.state ?? 'elsewhere'
}

/** The age of the oldest event that a read model does not show; null: it has just reached it. */
async function ageOfNext(
  log: Pick<LogReader, 'read'>,
  position: Position | undefined,
  nowMs: number,
): Promise<number | null> {
  for await (const [next] of log.read({ ...(position && { after: position }), limit: 1 }))
    return next ? Math.max(0, nowMs - positionTimeMs(next.position)) : null
  return null
}

/** A process of this host that has ended still holds its lease for a while. */
const running = (
  { rebuilder: { host, isAlive } }: ProjectionSources,
  rebuilds: readonly RunningRebuild[],
  name: string,
): RunningRebuild | undefined => rebuilds.find((one) => one.name === name && (one.host !== host || isAlive(one.pid)))

function printRebuild(holder: RunningRebuild | undefined, latest: CommandRun | null, name: string) {
  const own = latest?.state === 'running' && latest.about === name ? latest : null
  if (!holder && !own) return null
  return {
    host: holder?.host ?? null,
    pid: holder?.pid ?? null,
    startedAt: holder?.startedAt ?? isoTime(own?.startedAtMs ?? 0),
    /** Known of the rebuild that this server has started. */
    progress: own?.progress ?? null,
  }
}
