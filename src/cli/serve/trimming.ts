import { trim, type TrimDependencies } from '../../events/log/archive/trim.ts'
import { unsafeSettings } from '../../events/log/archive/crash-safe.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'

const everyMs = 60_000

/** Trims archived events from Redis once a minute, as long as PostgreSQL is crash-safe. Returns a function that stops it. */
export function startTrimming(
  dependencies: TrimDependencies,
  postgres: Pick<Postgres<unknown>, 'snapshot'>,
  logger: Logger,
): () => Promise<void> {
  let trimming: Promise<void> | null = null
  let unsafe = ''
  const once = async (): Promise<void> => {
    const wrong = (await unsafeSettings(postgres)).join(' ')
    if (wrong !== unsafe && wrong !== '')
      logger.warn({ wrong }, 'nothing is trimmed from Redis: this PostgreSQL is not crash-safe')
    unsafe = wrong
    if (unsafe !== '') return
    const events = await trim(dependencies)
    if (events > 0) logger.info({ events }, 'archived events have left Redis')
  }
  const start = (): void => {
    trimming ??= once()
      .catch((error: unknown) => logger.warn({ err: error }, 'archived events could not be trimmed from Redis'))
      .finally(() => void (trimming = null))
  }
  const timer = setInterval(start, everyMs)
  timer.unref()
  start()
  return async () => {
    clearInterval(timer)
    await trimming
  }
}
