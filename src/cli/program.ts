import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { AccountId } from '../events/account.ts'
import type { Uuid7, StreamName } from '../events/identifiers.ts'
import type { Clock } from '../platform/clock.ts'
import type { Config, LoadedConfig } from '../platform/config/config.ts'
import type { AuditVerifyOptions } from './audit/verify.ts'
import type { ChatOptions } from './chat/chat.ts'
import type { CliContext, InputStream } from './context.ts'
import type { EventsOptions } from './log/events.ts'
import { CliError, failureOf, type Failure } from './failure.ts'
import {
  parseAccountId,
  parseCount,
  parseEventType,
  parseLogPoint,
  parseRequestId,
  parseStream,
  type Range,
} from './log-point.ts'
import { createOutput, OutputClosed, outputClosedExitCode, type OutputStream } from './output.ts'
import type { RestoreCommandOptions } from './log/restore.ts'
import { parseRoles, roleNames, type RoleName } from './serve/roles.ts'
import type { StateOptions } from './log/state.ts'

export type CliDependencies = {
  stdout: OutputStream
  stderr: OutputStream
  noColor: boolean
  version: string
  clock: Clock
  /** A function, so that commands which read nothing leave stdin alone. */
  stdin: () => InputStream
  loadConfig: () => LoadedConfig
  /** Aborts on the first Ctrl-C. `serve` ignores it and ends by itself. */
  interrupted: AbortSignal
  /** Runs the council; resolves with the exit code. */
  serve: (options: { config: Config; roles: readonly RoleName[] }) => Promise<number>
}

/**
 * Runs one command line; `args` exclude the program's name. Resolves with the exit code: 0 for success, 2 for wrong arguments or
 * settings, 130 after Ctrl-C, 141 when the reader of stdout went away, 1 for every other failure. Never throws.
 */
export async function runCli(args: readonly string[], dependencies: CliDependencies): Promise<number> {
  const output = createOutput({ ...dependencies, json: args.includes('--json') })
  let exitCode = 0
  const run = async (work: (context: CliContext) => Promise<number>): Promise<void> => {
    const config = configOf(dependencies.loadConfig())
    exitCode = await work({
      config,
      output,
      interrupted: dependencies.interrupted,
      clock: dependencies.clock,
      stdin: dependencies.stdin,
    })
  }
  let help = ''
  const program = buildProgram(run, dependencies)
  for (const command of [program, ...everyCommand(program)]) {
    command.exitOverride().configureOutput({ writeOut: (text) => void (help += text), writeErr: () => undefined })
    command.option('--json', 'print JSON, one value per line; errors as {code, message}')
  }
  try {
    await program.parseAsync([...args], { from: 'user' }).catch(async (error: unknown) => {
      if (help === '') throw error
      await output.write(help)
    })
    return exitCode
  } catch (error) {
    if (error instanceof OutputClosed) return outputClosedExitCode
    const failure = error instanceof CommanderError ? usageOf(error, named(program, args)) : failureOf(error)
    if (failure) output.fail(failure)
    return failure?.exitCode ?? 0
  }
}

type Run = (work: (context: CliContext) => Promise<number>) => Promise<void>

/** The commands. Each loads its code when it is called, so that help and usage errors are instant. */
function buildProgram(run: Run, { version, serve }: CliDependencies): Command {
  const program = new Command('council')
    .description('The Hybrid AI Council: run it, ask it, inspect it.')
    .version(version, '-V, --version')
  program.showHelpAfterError(false).showSuggestionAfterError(true)

  program
    .command('serve')
    .description('run the council, or some of its roles, until Ctrl-C')
    .option('--roles <list>', `any of ${roleNames.join(', ')}, separated by commas`, rolesOf, [...roleNames])
    .action((options: { roles: RoleName[] }) => run(({ config }) => serve({ config, roles: options.roles })))

  program
    .command('chat')
    .description('ask the council and stream its answer; without a question, start a conversation')
    .argument('[question]', 'if omitted, questions are read from stdin, one per line')
    .addOption(new Option('--path <path>', 'how to answer; by default the council decides').choices(['fast', 'full']))
    .option('--conversation <id>', 'the conversation to continue')
    .action((question: string | undefined, options: ChatOptions) =>
      run(async (context) =>
        question === undefined
          ? (await import('./chat/session.ts')).chatSession(options, context)
          : (await import('./chat/chat.ts')).chat(question, options, context),
      ),
    )

  program
    .command('events')
    .description('print the events of the log in order')
    .option('--stream <stream>', 'only events of this stream, for example chat/<id>', parseStream)
    .option('--type <type>', 'only events of this type, for example AnswerCompleted', parseEventType)
    .option('--from <moment>', 'start at this position, time or day (UTC)', parseLogPoint)
    .option('--limit <n>', 'print at most this many events', parseCount)
    .option('--follow', 'keep printing new events until Ctrl-C')
    .action((options: EventsOptions) =>
      run(async (context) => (await import('./log/events.ts')).events(options, context)),
    )

  program
    .command('state')
    .description('fold one aggregate from its events; without --at, also compare it with its stored state')
    .argument('<stream>', 'for example budget/council/2026-11-23', parseStream)
    .option('--at <moment>', 'show it at this position or time, or at the end of this day (UTC)', parseLogPoint)
    .action((stream: StreamName, options: StateOptions) =>
      run(async (context) => (await import('./log/state.ts')).state(stream, options, context)),
    )

  addAudits(program, run)

  program
    .command('rebuild')
    .description('rebuild read models from the log while the old ones keep serving')
    .argument('[projection...]', 'for example costs; default: all')
    .action((names: string[]) => run(async (context) => (await import('./log/rebuild.ts')).rebuild(names, context)))

  program
    .command('restore')
    .description('restore the log, or its lost tail, from the archive to Redis')
    .option('--dry-run', 'only report what would be written')
    .action((options: RestoreCommandOptions) =>
      run(async (context) => (await import('./log/restore.ts')).restore(options, context)),
    )

  return program
}

function addAudits(program: Command, run: Run): void {
  const audit = program.command('audit').description('reports from the log, with the event position of every figure')
  audit
    .command('cost')
    .description('the cost of every model call, from the log, compared with the read model')
    .option('--from <moment>', 'start at this position, time or day (UTC)', parseLogPoint)
    .option('--to <moment>', 'end at this position or time, or at the end of this day (UTC)', parseLogPoint)
    .action((options: Range) => run(async (context) => (await import('./audit/cost.ts')).auditCost(options, context)))
  audit
    .command('request')
    .description('everything that was recorded for one prompt')
    .argument('<requestId>', 'its id, a UUIDv7', parseRequestId)
    .action((requestId: Uuid7) =>
      run(async (context) => (await import('./audit/request.ts')).auditRequest(requestId, context)),
    )
  audit
    .command('account')
    .description(
      'the history of one account with its balance after every event, compared with its state and the read model',
    )
    .argument('<accountId>', 'for example reserve or agent:<id>', parseAccountId)
    .option('--from <moment>', 'start at this position, time or day (UTC)', parseLogPoint)
    .option('--to <moment>', 'end at this position or time, or at the end of this day (UTC)', parseLogPoint)
    .action((accountId: AccountId, options: Range) =>
      run(async (context) => (await import('./audit/account.ts')).auditAccount(accountId, options, context)),
    )
  audit
    .command('verify')
    .description('check the log and everything derived from it; reports the first fault by position')
    .option('--seal <file>', 'copies of seals that were kept elsewhere, as in SEALS_FILE')
    .option('--public-key <file>', 'the public key that the seals must chain back to (PEM)')
    .option('--resume', 'allow writes to a halted log again if there is no fault')
    .action((options: AuditVerifyOptions) =>
      run(async (context) => (await import('./audit/verify.ts')).auditVerify(options, context)),
    )
}

function everyCommand(program: Command): Command[] {
  return program.commands.flatMap((command) => [command, ...everyCommand(command)])
}

function rolesOf(text: string): RoleName[] {
  const parsed = parseRoles(text)
  if (!parsed) throw new InvalidArgumentError(`It must be a list of ${roleNames.join(', ')}.`)
  return parsed
}

function configOf(loaded: LoadedConfig): Config {
  if (loaded.ok) return loaded.config
  throw new CliError(
    'usage',
    loaded.problems.map(({ setting, problem, allowed }) => `${setting} ${problem}; allowed: ${allowed}`).join('\n'),
  )
}

/** A usage error of commander on one line; undefined when it has only printed help or the version. */
function usageOf(error: CommanderError, command: Command): Failure | undefined {
  if (error.exitCode === 0) return undefined
  const isIncomplete = error.code === 'commander.help'
  const message = isIncomplete
    ? `missing command: one of ${command.commands.map((known) => known.name()).join(', ')}; see ${pathOf(command)} --help`
    : error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  return { code: 'usage', message, exitCode: 2 }
}

/** The innermost command that the arguments name. */
const named = (program: Command, args: readonly string[]): Command =>
  args.reduce((command, arg) => command.commands.find((known) => known.name() === arg) ?? command, program)

const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
