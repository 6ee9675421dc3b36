import { readTokens } from '../../agents/tokens/token-stream.ts'
import { createAccess } from '../../api/access.ts'
import { watchHealth, type HealthCheck } from '../../api/health.ts'
import { subjectLimits } from '../../api/limits.ts'
import { trackConnections } from '../../api/connections.ts'
import { promptFinder } from '../../api/chat/find-prompt.ts'
import { createServer } from '../../api/server.ts'
import { tokenWakeups } from '../../api/chat/token-wakeups.ts'
import { readModelReader } from '../../projections/engine/read-model-reader.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Config } from '../../platform/config/config.ts'
import { portUnavailable } from '../../platform/process/listen-address.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Closing } from './closing.ts'
import { newId, type Core } from './core.ts'
import type { Stores } from './stores.ts'

export type ApiOptions = { token: string; checks: readonly HealthCheck[]; version: string }

/** Clients have so long to answer a close frame, and to send the rest of a request. */
const socketGraceMs = ({ shutdownTimeoutMs }: Config): number => Math.min(2_000, shutdownTimeoutMs / 5)

/** Listens. Returns the address for clients on this machine. */
export async function startApiRole(
  config: Config,
  stores: Stores,
  { log, gate, tail }: Core,
  options: ApiOptions,
  closing: Closing,
  logger: Logger,
): Promise<string> {
  const wakeups = tokenWakeups(stores.connect('ephemeral', 'subscriber', 'wakeups'), config.councilId)
  closing.defer(wakeups.close, 'the wake-ups')
  const health = await watchHealth(options.checks, systemClock.nowMs, logger)
  closing.defer(health.stop, 'the health checks')
  const readModel = readModelReader(stores.queries)
  const server = await createServer({
    access: createAccess(options.token, config.allowedOrigins),
    chat: {
      log,
      gate,
      tail,
      wakeups,
      newId,
      logger,
      readTokens: (requestId, afterId) => readTokens(stores.ephemeral, config.councilId, requestId, afterId),
      findPrompt: promptFinder(log, readModel),
      limits: subjectLimits({
        maxSocketsPerSubject: config.maxSocketsPerSubject,
        maxInFlightPerSubject: config.maxCommandsInFlight,
        maxPromptsPerMinute: config.maxPromptsPerMinute,
        maxFramesPerSecond: config.maxFramesPerSecond,
        elapsedMs: () => performance.now(),
      }),
    },
    health,
    readModel,
    version: options.version,
    logger,
  })
  const connections = trackConnections(server.server)
  closing.atOnce(() => connections.close(() => server.close(), socketGraceMs(config)), 'the connections')
  await server.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
    throw portUnavailable(config.host, config.port, error)
  })
  const address = server.server.address()
  const port = typeof address === 'object' && address ? address.port : config.port
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
