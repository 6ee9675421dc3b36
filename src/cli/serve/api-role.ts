import { readTokens } from '../../agents/tokens/token-stream.ts'
import { createAccess } from '../../api/access/access.ts'
import { failedLogins } from '../../api/access/failed-logins.ts'
import { firstIdentity } from '../../api/access/identity.ts'
import { createOrigins } from '../../api/access/origins.ts'
import { createSessions } from '../../api/access/sessions.ts'
import { tokenStates } from '../../api/access/token-states.ts'
import { identityWatch } from '../../api/access/watch-identity.ts'
import { watchHealth } from '../../api/health.ts'
import { subjectLimits } from '../../api/limits.ts'
import { trackConnections } from '../../api/connections.ts'
import { liveTopics } from '../../api/live/live-topics.ts'
import { promptFinder } from '../../api/chat/find-prompt.ts'
import { bundleDashboard } from '../../api/dashboard/bundle.ts'
import type { Operations } from '../../api/operations/operations-routes.ts'
import { createServer } from '../../api/server.ts'
import { tokenWakeups } from '../../api/chat/token-wakeups.ts'
import { postgresArchive } from '../../events/log/archive/archive.ts'
import type { SealKey } from '../../events/log/archive/seal-key.ts'
import { eventsAt } from '../../events/log/read/events-at.ts'
import { readModelReader } from '../../projections/engine/read-model-reader.ts'
import { thisProcess } from '../../projections/engine/this-process.ts'
import { systemClock } from '../../platform/clock.ts'
import { portUnavailable } from '../../platform/process/listen-address.ts'
import { removeServerFile, writeServerFile } from '../../platform/process/server-file.ts'
import { backgroundCommand } from './background-command.ts'
import { newId } from './core.ts'
import type { Role, RoleContext } from './role.ts'
import { sealKeys } from './seal-keys.ts'
import { inStep } from './start-failure.ts'

/** The time that clients have to answer a close frame, and to send the rest of a request. */
const socketGraceMs = (shutdownTimeoutMs: number): number => Math.min(2_000, shutdownTimeoutMs / 5)

/** Serves HTTP and WebSockets, and writes the file by which the command line finds the server. */
export const apiRole: Role = {
  name: 'api',
  async start(context) {
    const { config, adminToken, closing } = context
    const { dataDir } = config.council
    const { url, signInUrl } = await inStep('listening', () => listen(context))
    writeServerFile(dataDir, { url, token: adminToken, pid: process.pid, startedAt: new Date().toISOString() })
    closing.atOnce(() => removeServerFile(dataDir), 'the server file')
    return { url, signInUrl }
  },
}

/** Returns the addresses for clients on this machine, and for a browser. */
async function listen(context: RoleContext): Promise<{ url: string; signInUrl: string }> {
  const { config, stores, adminToken, checks, version, stdout, closing, logger } = context
  const { council, access, limits } = config
  const { keys, log, gate, tail } = context.core
  const wakeups = tokenWakeups(stores.connect('ephemeral', 'subscriber', 'wakeups'), council.id)
  closing.defer(wakeups.close, 'the wake-ups')
  const dashboard = await bundleDashboard()
  const health = await watchHealth(checks, systemClock.nowMs, logger)
  closing.defer(health.stop, 'the health checks')
  const readModel = readModelReader(stores.queries, undefined, () => log.head())
  const archive = postgresArchive(stores.queries)
  const elapsedMs = () => performance.now()
  const clock = systemClock
  const subscriber = stores.connect('ephemeral', 'subscriber', 'sessions')
  const sessions = createSessions({ redis: stores.ephemeral, subscriber, councilId: council.id, nowMs: clock.nowMs })
  closing.defer(sessions.close, 'the sessions')
  const { host, port, shutdownTimeoutMs } = config.server
  const origins = createOrigins(access.allowedOrigins, host)
  const tokens = tokenStates({ gate, tail, elapsedMs })
  const admission = createAccess({ adminToken, origins, tokens, sessions, clock })
  const server = await createServer({
    access: admission,
    origins,
    sessions,
    failedLogins: failedLogins(limits.maxFailedLoginsPerMinute),
    chat: {
      watch: identityWatch({ access: admission, sessions, tail, clock }),
      log,
      gate,
      tail,
      wakeups,
      newId,
      logger,
      readTokens: (requestId, afterId) => readTokens(stores.ephemeral, council.id, requestId, afterId),
      findPrompt: promptFinder(log, readModel),
      live: liveTopics({ read: readModel, log, tail, logger, elapsedMs }),
      limits: subjectLimits({
        maxSocketsPerSubject: limits.maxSocketsPerSubject,
        maxInFlightPerSubject: limits.maxCommandsInFlight,
        maxPromptsPerMinute: limits.maxPromptsPerMinute,
        maxFramesPerSecond: limits.maxFramesPerSecond,
        elapsedMs,
      }),
    },
    openAi: { approvalWaitMs: limits.approvalWaitMs, elapsedMs },
    dashboard,
    health,
    readModel,
    eventsAt: eventsAt(stores.redis, keys, archive),
    archive,
    receipts: { council: council.id, sealKey: sealKeyOf(config), clock },
    operations: operationsOf(context),
    version,
    logger,
  })
  const connections = trackConnections(server.server)
  closing.atOnce(() => connections.close(() => server.close(), socketGraceMs(shutdownTimeoutMs)), 'the connections')
  await server.listen({ host, port }).catch((error: unknown) => {
    throw portUnavailable(host, port, error)
  })
  const address = server.server.address()
  const listensOn = typeof address === 'object' && address ? address.port : port
  origins.listensOn(listensOn)
  const url = localUrl(host, listensOn)
  // Other outputs than a terminal may be stored and read by others.
  const isTerminal = 'isTTY' in stdout && stdout.isTTY === true
  const ticket = isTerminal ? await sessions.issueTicket(admission.holderOf(firstIdentity)).catch(() => null) : null
  return { url, signInUrl: ticket === null ? url : `${url}/login?ticket=${ticket}` }
}

/** The sealing key, if this machine has it. On a first start the archiver makes it, perhaps after this role has started. */
function sealKeyOf(config: RoleContext['config']): () => SealKey | null {
  let key: SealKey | null = null
  return () => (key ??= sealKeys(config).key)
}

/** Long commands run as processes of their own, which end with the council. */
function operationsOf({ stores, core: { log }, projections, closing }: RoleContext): Operations {
  const [rebuild, verification] = [backgroundCommand(systemClock), backgroundCommand(systemClock)]
  closing.atOnce(async () => void (await rebuild.cancel()), 'the rebuild')
  closing.atOnce(async () => void (await verification.cancel()), 'the verification')
  return {
    database: stores.queries,
    log,
    statuses: projections,
    rebuild,
    rebuilder: thisProcess,
    verification,
    clock: systemClock,
  }
}

/** The address for clients on this machine of a server that listens on `host`. */
function localUrl(host: string, port: number): string {
  const local = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${local.includes(':') ? `[${local}]` : local}:${port}`
}
