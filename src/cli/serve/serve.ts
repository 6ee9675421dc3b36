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
import { printable } from '../../platform/printable.ts'
import { adminToken } from './admin-token.ts'
import { banner } from './banner.ts'
import { createClosing, type Closing } from './closing.ts'
import type { Core } from './core.ts'
import { openModel } from './open-model.ts'
import { checkOf } from './part.ts'
import { parseSeating } from '../../agents/council/seating.ts'
import { parsePrices } from '../../agents/models/prices.ts'
import { readJsonFile } from './read-file.ts'
import { mustNotEnd } from './must-not-end.ts'
import type { RoleContext } from './role.ts'
import { roleEntry, roleNames, type RoleEntry, type RoleName } from './roles.ts'
import type { Steps } from './steps.ts'

export type ServeOptions = {
  config: Config
  roles: readonly RoleName[]
  version: string
  stdout: NodeJS.WritableStream & { isTTY?: boolean }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  steps: Steps
  /** Resolves with the first signal that asks the process to end. */
  ended: Promise<NodeJS.Signals>
  /** Aborts on the second such signal; the process then ends in the same turn. */
  insisted: AbortSignal
}

/**
 * Runs roles of the council until a signal asks it to end, also during its start, or until it cannot go on. Either way it stops
 * everything in order within SHUTDOWN_TIMEOUT_MS and then kills the children that are left. Returns the exit code: 0, or 1 when it
 * could not go on or its shutdown was cut short. The caller ends the process: a step that was cut short may keep it alive.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const { config, stderr } = options
  const { server } = config
  const { dataDir } = config.council
  const lock = acquireDataDirLock(dataDir)
  if (!lock.held) {
    const holder = lock.heldBy ? ` (pid ${lock.heldBy}${lock.url ? `, ${lock.url}` : ''})` : ''
    throw new CliError(
      'data_dir_in_use',
      `A council already runs on ${dataDir}${holder}. Use it, stop it, or set DATA_DIR to another folder`,
    )
  }
  const logFile = stderr.isTTY ? join(dataPaths(dataDir).logs, 'council.log') : undefined
  const logger = createLogger(server.logLevel, logFile ? { file: logFile } : { stream: stderr })
  const closing = createClosing(server.shutdownTimeoutMs, logger)
  options.insisted.addEventListener('abort', () => killChildren(dataDir))
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
    // Without a log file the line above went to stderr already.
    if (logFile) stderr.write(`error: ${printable(failure.message)} (${failure.code})\n`)
  }
  const inOrder = await closing.close()
  // Includes those of a start in progress. The lock is held until then, so that no other council starts its own.
  killChildren(dataDir)
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
  const { host, port } = config.server
  const { dataDir } = config.council
  const steps = recordedSteps(dataDir, shown)
  const entries = roleNames.filter((name) => roles.includes(name)).map(roleEntry)
  closing.atOnce(() => removeStartFile(dataDir), 'the start file')
  steps.step('reading its settings')
  const { pricesFile } = config.answers
  const prices = await inStep('reading PRICES_FILE', () => readJsonFile('PRICES_FILE', pricesFile, parsePrices))
  const { councilFile } = config.council
  const seating = await inStep('reading COUNCIL_FILE', () => readJsonFile('COUNCIL_FILE', councilFile, parseSeating))
  if (entries.some(({ listens }) => listens)) await inStep('listening', () => assertCanListen(host, port))
  const orphans = await endOrphans(dataDir)
  if (orphans.length > 0) logger.warn({ orphans }, 'ended processes that a killed council had left running')

  // The model takes longest. It loads in a process of its own while this process loads its code and opens the stores.
  const modelUnderWay = Promise.withResolvers<undefined>()
  const opening = entries.some(({ needsModel }) => needsModel)
    ? inStep('opening the model', () =>
        openModel(config, closing, steps, logger, () => modelUnderWay.resolve(undefined)),
      )
    : null
  if (opening) await Promise.race([modelUnderWay.promise, opening])
  const shared = { config, version, prices, seating, model: opening, stdout, closing, logger }
  const [, { parts, url, signInUrl, token, failures }] = await allStarted([opening, startRoles(entries, shared, steps)])

  steps.end('done')
  removeStartFile(dataDir)
  const seconds = (performance.now() - startedAt) / 1000
  logger.info(
    { roles, url, seconds, parts: parts.map(({ name, kind, what }) => ({ name, kind, what })) },
    'the council is ready',
  )
  const tokenFile = dataPaths(dataDir).adminToken
  const isTerminal = stdout.isTTY === true
  stdout.write(
    `${banner({ seconds, roles, token, isTerminal, tokenFile, parts, ...(url && { url }), ...(signInUrl && { signInUrl }), ...(logFile && { logFile }) })}\n`,
  )
  return Promise.race(failures)
}

/** Opens the stores and the log, then starts the roles one by one. Loads their code while the stores start. */
async function startRoles(
  entries: readonly RoleEntry[],
  shared: Omit<RoleContext, 'stores' | 'core' | 'adminToken' | 'checks' | 'projections'>,
  steps: Steps,
) {
  const { config, closing, logger } = shared
  const [{ openStores }, { openCore }] = await Promise.all([import('./stores.ts'), import('./core.ts')])
  const [stores, ...roles] = await allStarted([
    openStores(config, closing, steps, logger),
    ...entries.map(({ load }) => load()),
  ])
  const core = await inStep('opening the log', () => openCore(config, stores, closing, logger))
  const parts = [...stores.parts]
  // With DURABILITY=archived the gate acknowledges nothing before Postgres has it; otherwise the log can rebuild what Postgres holds.
  const needed = config.log.durability === 'archived' ? ['log', 'read models'] : ['log']
  const checks = [...parts.map((part) => checkOf(part, { isNeeded: needed.includes(part.name) })), writesCheck(core)]
  const failures = [mustNotEnd(core.tail.done, 'the log can no longer be read')]
  const token = adminToken(config.access.adminToken, config.council.dataDir)
  let projections: RoleContext['projections'] = null
  let url: string | undefined
  let signInUrl: string | undefined
  for (const role of roles.toReversed()) {
    const started = await role.start({ ...shared, stores, core, adminToken: token.token, checks, projections })
    checks.push(...(started.checks ?? []))
    projections ??= started.projections ?? null
    parts.push(...(started.parts ?? []))
    if (started.failed) failures.push(started.failed)
    url ??= started.url
    signInUrl ??= started.signInUrl
  }
  return { parts, url, signInUrl, token, failures }
}

/** Also writes the steps to the start file, where other commands read the progress of a start. */
function recordedSteps(dataDir: string, steps: Steps): Steps {
  const startedAt = new Date().toISOString()
  let recorded = ''
  return {
    ...steps,
    step(label, ...howFar) {
      if (label !== recorded) writeStartFile(dataDir, startedAt, (recorded = label))
      steps.step(label, ...howFar)
    },
  }
}

/** Whether the log accepts commands: Redis may answer while the log has stopped. */
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
