import { join } from 'node:path'
import type { HealthCheck } from '../../api/health.ts'
import type { Config } from '../../platform/config/config.ts'
import { assertCanListen } from '../../platform/process/listen-address.ts'
import { removeStartFile, writeStartFile } from '../../platform/process/start-file.ts'
import { CliError, failureOf } from '../failure.ts'
import { allStarted, inStep, StartFailed } from './start-failure.ts'
import { acquireDataDirLock } from '../../platform/process/data-dir-lock.ts'
import { dataPaths } from '../../platform/process/data-dir.ts'
import { endOrphans, killChildren } from '../../platform/process/orphans.ts'
import { createLogger, type Logger } from '../../platform/logger.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { printable } from '../../platform/printable.ts'
import { removeServerFile, writeServerFile } from '../../platform/process/server-file.ts'
import { adminToken } from './admin-token.ts'
import { banner } from './banner.ts'
import { createClosing, type Closing } from './closing.ts'
import type { Core } from './core.ts'
import { openModel } from './model.ts'
import { checkOf } from './part.ts'
import { loadPrices } from './prices.ts'
import type { Role } from './roles.ts'
import type { Steps } from './steps.ts'

export type ServeOptions = {
  config: Config
  roles: readonly Role[]
  version: string
  stdout: NodeJS.WritableStream & { isTTY?: boolean }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  steps: Steps
  /** Resolves with what asks the process to end. */
  ended: Promise<NodeJS.Signals>
  /** Aborts when the process was asked a second time, and ends in the same turn. */
  insisted: AbortSignal
}

/**
 * Runs roles of the council until it is asked to end, also in the middle of its start, or cannot go on. What was started is stopped
 * in order, within SHUTDOWN_TIMEOUT_MS, whichever way it ends; children that are left then are killed. Returns the exit code: 0, or 1
 * when it could not go on or its end was cut short. The caller ends the process: what was left behind may keep it alive.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const { config, stderr } = options
  const lock = acquireDataDirLock(config.dataDir)
  if (!lock.held) {
    const holder = lock.heldBy ? ` (pid ${lock.heldBy}${lock.url ? `, ${lock.url}` : ''})` : ''
    throw new CliError(
      'data_dir_in_use',
      `A council already runs on ${config.dataDir}${holder}. Use it, stop it, or set DATA_DIR to another folder`,
    )
  }
  const logFile = stderr.isTTY ? join(dataPaths(config.dataDir).logs, 'council.log') : undefined
  const logger = createLogger(config.logLevel, logFile ? { file: logFile } : { stream: stderr })
  const closing = createClosing(config.shutdownTimeoutMs, logger)
  options.insisted.addEventListener('abort', () => killChildren(config.dataDir))
  let exitCode = 0
  try {
    const cause = await Promise.race([options.ended, run(options, closing, logger, logFile)])
    logger.info({ cause }, 'stopping')
  } catch (error) {
    const failure = failureOf(error)
    exitCode = failure.exitCode
    options.steps.end('failed', error instanceof StartFailed ? error.step : undefined)
    logger.fatal(
      { code: failure.code, err: error instanceof StartFailed ? error.cause : error },
      `the council cannot go on: ${failure.message}`,
    )
    // Where stderr is no terminal, the line of the log is there already.
    if (logFile) stderr.write(`error: ${printable(failure.message)} (${failure.code})\n`)
  }
  const inOrder = await closing.close()
  // Also those of a start that was under way; and before another council may start its own.
  killChildren(config.dataDir)
  lock.release()
  return inOrder ? exitCode : exitCode || 1
}

async function run(
  { config, roles, version, stdout, steps: shown }: ServeOptions,
  closing: Closing,
  logger: Logger,
  logFile?: string,
): Promise<never> {
  const startedAt = performance.now()
  const steps = toldSteps(config.dataDir, shown)
  closing.atOnce(() => removeStartFile(config.dataDir), 'the start file')
  steps.step('reading its settings')
  const prices = await inStep('reading PRICES_FILE', () => loadPrices(config))
  if (roles.includes('api')) await inStep('listening', () => assertCanListen(config.host, config.port))
  const leftovers = await endOrphans(config.dataDir)
  if (leftovers.length > 0) logger.warn({ leftovers }, 'ended what a killed council had left running')

  // The model takes longest. It loads in a process of its own while this one reads its code, of which there is much,
  // and the stores start.
  const modelUnderWay = Promise.withResolvers<undefined>()
  const opening = roles.includes('worker')
    ? inStep('opening the model', () =>
        openModel(config, closing, steps, logger, () => modelUnderWay.resolve(undefined)),
      )
    : null
  if (opening) await Promise.race([modelUnderWay.promise, opening])
  const [model, { stores, core, roleChecks }] = await allStarted([
    opening,
    startLog(config, roles, closing, steps, stdout, logger),
  ])
  const parts = [...stores.parts]
  const failures: Promise<never>[] = [mustNotEnd(core.tail.done, 'the log can no longer be read')]
  // With `archived` nothing is acknowledged before Postgres has it; otherwise it only holds what the log can rebuild.
  const needed = config.durability === 'archived' ? ['log', 'read models'] : ['log']
  const checks = parts.map((part) => checkOf(part, { isNeeded: needed.includes(part.name) }))

  checks.push(writesCheck(core))
  checks.push(...roleChecks)
  if (model) {
    parts.push(model.part)
    checks.push(checkOf(model.part, { isNeeded: false }))
    const { startWorkerRole } = await import('./worker-role.ts')
    const worker = await startWorkerRole(config, stores, core, model.model, prices, closing, logger)
    failures.push(mustNotEnd(worker.done, 'no more jobs can be taken'))
  }
  const token = adminToken(config)
  let url: string | undefined
  if (roles.includes('api')) {
    const { startApiRole } = await import('./api-role.ts')
    url = await inStep('listening', () =>
      startApiRole(config, stores, core, { token: token.token, checks, version }, closing, logger),
    )
    writeServerFile(config.dataDir, { url, token: token.token, pid: process.pid, startedAt: new Date().toISOString() })
    closing.atOnce(() => removeServerFile(config.dataDir), 'the server file')
  }

  steps.end('done')
  removeStartFile(config.dataDir)
  const seconds = (performance.now() - startedAt) / 1000
  logger.info(
    { roles, url, seconds, parts: parts.map(({ name, kind, what }) => ({ name, kind, what })) },
    'the council is ready',
  )
  stdout.write(
    `${banner({ seconds, roles, token, isTerminal: stdout.isTTY === true, tokenFile: dataPaths(config.dataDir).adminToken, parts, ...(url && { url }), ...(logFile && { logFile }) })}\n`,
  )
  return Promise.race(failures)
}

/** The stores, the log on them, and what keeps the archive and the read models behind it. Reads the other roles' code while it waits. */
async function startLog(
  config: Config,
  roles: readonly Role[],
  closing: Closing,
  steps: Steps,
  stdout: NodeJS.WritableStream,
  logger: Logger,
) {
  const [{ openStores }, { openCore }] = await Promise.all([import('./stores.ts'), import('./core.ts')])
  const starting = openStores(config, closing, steps, logger)
  const [stores] = await allStarted([
    starting,
    import('./worker-role.ts'),
    import('./api-role.ts'),
    import('./projector-role.ts'),
    import('./archiver-role.ts'),
  ])
  const core = await inStep('opening the log', () => openCore(config, stores, closing, logger))
  const roleChecks: HealthCheck[] = []
  if (roles.includes('archiver')) {
    const { startArchiverRole } = await import('./archiver-role.ts')
    roleChecks.push(...(await startArchiverRole(config, stores, core, stdout, closing, logger)))
  }
  if (roles.includes('projector')) {
    const { startProjectorRole } = await import('./projector-role.ts')
    roleChecks.push(...(await startProjectorRole(stores, core, closing, logger)))
  }
  return { stores, core, roleChecks }
}

/** Steps that the command line hears of as well: it can say that a council is starting, and how far it is. */
function toldSteps(dataDir: string, steps: Steps): Steps {
  const startedAt = new Date().toISOString()
  let told = ''
  return {
    ...steps,
    step(label, ...howFar) {
      if (label !== told) writeStartFile(dataDir, startedAt, (told = label))
      steps.step(label, ...howFar)
    },
  }
}

/** Whether commands can be recorded: Redis may answer and still not be a log that may be written to. */
const writesCheck = ({ gate }: Core): HealthCheck => ({
  name: 'commands',
  kind: 'internal',
  isNeeded: true,
  look() {
    const stopped = gate.stoppedBy()
    return Promise.resolve({
      status: stopped ? 'fail' : 'pass',
      output: stopped ? `${stopped.code}: ${stopped.message}` : 'are recorded',
    })
  },
})

/** Rejects when something ends that should run as long as the process; an orderly stop never looks at it any more. */
async function mustNotEnd(done: Promise<void>, meaning: string): Promise<never> {
  try {
    await done
  } catch (error) {
    throw new Error(`${meaning}: ${messageOf(error)}`, { cause: error })
  }
  return new Promise<never>(() => undefined)
}
