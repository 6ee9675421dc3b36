import { Command, CommanderError } from 'commander'
import type { Clock } from '../platform/clock.ts'
import type { Config, LoadedConfig } from '../platform/config/config.ts'
import { addApprovalCommands } from './approvals/commands.ts'
import { addAuditCommands } from './audit/commands.ts'
import { addGediCommands } from './gedi/commands.ts'
import { addChatCommand } from './chat/commands.ts'
import type { InputStream, RunCommand } from './context.ts'
import { CliError, failureOf, type Failure } from './failure.ts'
import { addReadingCommands, addRepairCommands } from './log/commands.ts'
import { createOutput, OutputClosed, outputClosedExitCode, type OutputStream } from './output.ts'
import { addReceiptCommands } from './receipt/commands.ts'
import { addSimulateCommands } from './simulate/commands.ts'
import { addServeCommand, type Serve } from './serve/commands.ts'
import { addTokenCommands } from './token/commands.ts'

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
  serve: Serve
}

/**
 * Runs one command line; `args` exclude the program's name. Resolves with the exit code: 0 for success, 2 for wrong arguments or
 * settings, 130 after Ctrl-C, 141 when the reader of stdout went away, 1 for every other failure. Never throws.
 */
export async function runCli(args: readonly string[], dependencies: CliDependencies): Promise<number> {
  const output = createOutput({ ...dependencies, json: args.includes('--json') })
  let exitCode = 0
  const run: RunCommand = async (command) => {
    const config = configOf(dependencies.loadConfig())
    exitCode = await command({
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

/** The commands, in the order of the help. Each loads its code when it is called, so that help and usage errors are instant. */
function buildProgram(run: RunCommand, { version, serve }: CliDependencies): Command {
  const program = new Command('council')
    .description('The Hybrid AI Council: run it, ask it, inspect it.')
    .version(version, '-V, --version')
  program.showHelpAfterError(false).showSuggestionAfterError(true)

  addServeCommand(program, run, serve)
  addChatCommand(program, run)
  addApprovalCommands(program, run)
  addTokenCommands(program, run)
  addReadingCommands(program, run)
  addAuditCommands(program, run)
  addReceiptCommands(program, run)
  addGediCommands(program, run)
  addSimulateCommands(program, run)
  addRepairCommands(program, run)
  return program
}

function everyCommand(program: Command): Command[] {
  return program.commands.flatMap((command) => [command, ...everyCommand(command)])
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
