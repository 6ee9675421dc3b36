import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import { startEmbeddedPostgres } from '../../platform/postgres/embedded-postgres.ts'
import type { Child, ChildReport } from '../../platform/process/children.ts'
import { startEmbeddedRedis } from '../../platform/redis/embedded-redis.ts'
import type { Closing } from './closing.ts'
import { allStarted, inStep } from './start-failure.ts'
import type { Steps } from './steps.ts'

type ServerName = 'durable' | 'ephemeral' | 'postgres'

/** The address of each server, and the process of each that is embedded. */
export type Servers = { urls: Readonly<Record<ServerName, string>>; children: Partial<Record<ServerName, Child>> }

/** Starts an embedded server in place of each that the settings do not name; `closing` stops it. Throws StartFailed. */
export async function startMissingServers(
  { council: { dataDir }, stores }: Pick<Config, 'council' | 'stores'>,
  closing: Pick<Closing, 'defer'>,
  steps: Steps,
  logger: Logger,
): Promise<Servers> {
  const children: Servers['children'] = {}
  const onReport = (report: ChildReport): void => logReport(logger, report)
  const kept = (name: ServerName, { url, child }: { url: string; child: Child }, shownAs: string): string => {
    closing.defer(child.stop, shownAs)
    children[name] = child
    return url
  }
  const startRedis = (role: 'durable' | 'ephemeral') =>
    startEmbeddedRedis({ dataDir, role, onReport, onInstalling: () => steps.step('installing redis-server') })

  steps.step('starting Redis')
  // Before the others: it may have to install redis-server.
  const durable =
    stores.redisUrl?.reveal() ??
    (await inStep('starting Redis', async () => kept('durable', await startRedis('durable'), 'the embedded Redis')))
  steps.step('starting Postgres')
  const [ephemeral, postgres] = await allStarted([
    stores.redisEphemeralUrl?.reveal() ??
      inStep('starting the ephemeral Redis', async () =>
        kept('ephemeral', await startRedis('ephemeral'), 'the embedded ephemeral Redis'),
      ),
    stores.databaseUrl?.reveal() ??
      inStep('starting Postgres', async () =>
        kept('postgres', await startEmbeddedPostgres(dataDir, onReport), 'the embedded Postgres'),
      ),
  ])
  return { urls: { durable, ephemeral, postgres }, children }
}

function logReport(logger: Logger, report: ChildReport): void {
  if (report.kind === 'restarted') logger.warn(report, 'a child process was started again')
  else
    logger.error(
      { ...report, code: report.fault.code },
      report.kind === 'ended'
        ? 'a child process ended by itself; it is started again'
        : 'a child process could not be started again; it is tried again',
    )
}
