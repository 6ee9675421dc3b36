import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { createAccess } from '../../src/api/access/access.ts'
import { createOrigins } from '../../src/api/access/origins.ts'
import { identityWatch } from '../../src/api/access/watch-identity.ts'
import { failedLogins } from '../../src/api/access/failed-logins.ts'
import type { ChatDependencies } from '../../src/api/chat/chat-socket.ts'
import { liveTopics } from '../../src/api/live/live-topics.ts'
import { subjectLimits } from '../../src/api/limits.ts'
import { bundleDashboard } from '../../src/api/dashboard/bundle.ts'
import type { Operations } from '../../src/api/operations/operations-routes.ts'
import { createServer } from '../../src/api/server.ts'
import { beginning } from '../../src/events/identifiers.ts'
import type { EventLog } from '../../src/events/log/log.ts'
import type { LogTail } from '../../src/events/log/read/tail.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import type { ReadModelReader } from '../../src/projections/engine/read-model-reader.ts'
import { knownTokens, memorySessions, silentTail, type KnownTokens } from './access.ts'
import { newId } from './council.ts'
import { adminToken } from './served-council.ts'

export type Route = { method: string; path: string; config: FastifyContextConfig }
export type ApiServer = KnownTokens & {
  server: FastifyInstance
  url: string
  routes: Route[]
  /** Whether the states of tokens can be read. */
  tokensAway: (isAway: boolean) => void
}

const away = () => Promise.reject(new Error('there is no log'))
async function* nothing(): AsyncGenerator<never> {
  // There is no event.
}
const log: EventLog = {
  loadStates: away,
  deadlines: away,
  read: nothing,
  follow: nothing,
  head: away,
  append: away,
  holdLease: away,
  correctDeadline: away,
  findCommand: away,
  commandIdFor: () => Promise.resolve(newId()),
}
const rejected = { result: 'rejected', code: 'overloaded', message: 'this server has no log' } as const

const noCommand = { latest: () => null, start: () => false, cancel: () => Promise.resolve(false) }
const noOperations: Operations = {
  database: { snapshot: away },
  log,
  statuses: null,
  rebuild: noCommand,
  rebuilder: { host: 'test', isAlive: () => false },
  verification: noCommand,
  clock: systemClock,
}

/**
 * The real server over no log: a request that is admitted gets 503 or 404, a frame an error of its own. `routes` is what the server
 * itself has added.
 */
export async function startApiServer({ maxFailedLogins = 1_000_000 } = {}): Promise<ApiServer> {
  const known = knownTokens()
  const tail = silentTail()
  let isAway = false
  const tokens = (tokenId: Parameters<typeof known.states.get>[0]) =>
    isAway ? away() : Promise.resolve(known.states.get(tokenId) ?? ({ status: 'absent' } as const))
  const clock = systemClock
  const sessions = memorySessions()
  const origins = createOrigins([], '127.0.0.1')
  const access = createAccess({ adminToken, origins, tokens, sessions, clock })
  const limits = subjectLimits({
    maxSocketsPerSubject: 1_000,
    maxInFlightPerSubject: 1_000,
    maxPromptsPerMinute: 1_000_000,
    maxFramesPerSecond: 1_000_000,
    elapsedMs: () => performance.now(),
  })
  const noReadModel: ReadModelReader = () =>
    Promise.resolve({ outcome: 'unavailable', message: 'there is no database' })
  const wholeTail: LogTail = {
    ...tail,
    listenToAll: () => () => undefined,
    position: () => beginning,
    done: Promise.resolve(),
    stop: () => Promise.resolve(),
  }
  const chat = {
    tail: wholeTail,
    live: liveTopics({
      read: noReadModel,
      log,
      tail: wholeTail,
      logger: silentLogger,
      elapsedMs: () => performance.now(),
    }),
    limits,
    newId,
    logger: silentLogger,
    watch: identityWatch({ access, sessions, tail, clock }),
    wakeups: { listen: () => () => undefined, close: () => undefined },
    readTokens: away,
    log,
    gate: { execute: () => Promise.resolve(rejected), load: away, loadAfter: away, stoppedBy: () => null },
    findPrompt: () => Promise.resolve({ found: false, code: 'prompt_unknown', message: 'there is no log' } as const),
  } satisfies ChatDependencies
  const routes: Route[] = []
  const spy = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url, config }) => {
      for (const each of [method].flat()) routes.push({ method: each, path: url, config: config ?? {} })
    })
  }
  subscribe('fastify.initialization', spy)
  const server = await createServer({
    access,
    origins,
    sessions,
    failedLogins: failedLogins(maxFailedLogins),
    chat,
    openAi: { approvalWaitMs: 0, elapsedMs: () => performance.now() },
    dashboard: await bundleDashboard(),
    health: { current: () => ({ status: 'pass', checks: [] }), stop: () => undefined },
    readModel: noReadModel,
    eventsAt: away,
    archive: { checkpoint: away },
    receipts: { council: 'test', sealKey: () => null, clock: systemClock },
    operations: noOperations,
    version: '0',
    logger: silentLogger,
  })
  unsubscribe('fastify.initialization', spy)
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  origins.listensOn(Number(new URL(url).port))
  return { ...known, server, url, routes, tokensAway: (now) => void (isAway = now) }
}
