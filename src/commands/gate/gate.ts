import { hash } from 'node:crypto'
import type { StreamName } from '../../events/identifiers.ts'
import type { EventLog, LogStopped } from '../../events/log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { streamsRead, type Aggregate, type CommandDefinition, type ReadSet } from '../decider.ts'
import { governed, isAgent } from '../approval/governed.ts'
import { refusalAllowance } from './refusal-allowance.ts'
import { stateCache, hydrate } from './state-cache.ts'
import type { CommandContext, CommandResult, RejectionCode } from './types.ts'
import { createWriter, type WriterDependencies } from './writer.ts'

export type GateDependencies = {
  log: EventLog
  clock: Clock
  /** Generates event ids. */
  newId: () => string
  pause: (ms: number) => Promise<void>
  /** Whether the log's memory is too full for new work. */
  isNearlyFull?: () => boolean
  logger: Logger
} & Pick<WriterDependencies, 'minPipelined'>

/** The gate's limits on memory and waiting time. */
const maxQueued = 10_000
const maxCachedStreams = 50_000
const giveUpAfterMs = 10_000

export type CommandGate = {
  /**
   * Decides a command and makes it durable. Commands that arrive while an append is in flight share the next append (group
   * commit). Never throws for an expected outcome.
   */
  execute: <C, Reads extends ReadSet>(
    definition: CommandDefinition<C, Reads>,
    input: unknown,
    context: CommandContext,
  ) => Promise<CommandResult>
  /** The current state of an aggregate. */
  load: <State>(aggregate: Aggregate<State, never>, stream: StreamName) => Promise<{ revision: number; state: State }>
  /** Why the gate stopped for good; null while it runs. */
  stoppedBy: () => LogStopped | null
}

export function createGate({
  log,
  clock,
  newId,
  pause,
  isNearlyFull = () => false,
  logger,
  minPipelined,
}: GateDependencies): CommandGate {
  const cache = stateCache(maxCachedStreams)
  const writer = createWriter({
    log,
    cache,
    clock,
    newId,
    recordsRefusalOf: refusalAllowance(clock),
    logger,
    pause,
    minPipelined,
  })

  return {
    execute(definition, input, context) {
      const rejected = (code: RejectionCode, message: string): Promise<CommandResult> =>
        Promise.resolve({ result: 'rejected', code, message })
      const stopped = writer.stoppedBy()
      if (stopped) return rejected('log_stopped', `nothing was done: ${stopped.message}`)
      const parsed = definition.schema.safeParse(input)
      if (!parsed.success) return rejected('malformed_command', describe(parsed.error.issues))
      if (definition.startsWork && isNearlyFull())
        return rejected(
          'log_nearly_full',
          "the log's memory is nearly used up: no new work begins until there is room; what has begun goes on",
        )
      if (writer.waiting() >= maxQueued) return rejected('overloaded', 'too many commands are waiting; try again')
      return new Promise((settle, fail) => {
        const command = parsed.data
        // The definition's own schema parsed the command, so the types need not match from here on.
        const given = definition as CommandDefinition<unknown, ReadSet>
        const untyped = isAgent(context.principal) && !given.isGoverned ? governed(given, context) : given
        const streams = untyped.reads(command)
        writer.write({
          definition: untyped,
          command,
          context,
          streams,
          reads: streamsRead(untyped.aggregates, streams),
          contentHash: hashOf(definition.name, command),
          giveUpAtMs: clock.nowMs() + giveUpAfterMs,
          conflicts: 0,
          mayBeDone: false,
          settle,
          fail,
        })
      })
    },

    async load<State>(aggregate: Aggregate<State, never>, stream: StreamName) {
      const [stored] = await log.loadStates([stream])
      if (!stored) throw new Error(`no answer for ${stream}`)
      const held = await hydrate(log, aggregate, stored)
      return { revision: held.revision, state: held.state as State }
    },

    stoppedBy: writer.stoppedBy,
  }
}

/** Equal commands have equal hashes: the schema determines the order of the fields. */
const hashOf = (name: string, command: unknown): string =>
  hash('sha256', `${name} ${JSON.stringify(command)}`, 'base64url').slice(0, 22)

const describe = (issues: readonly { path: PropertyKey[]; message: string }[]): string =>
  issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
