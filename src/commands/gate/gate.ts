import { hash } from 'node:crypto'
import { isAgent, type StreamName } from '../../events/identifiers.ts'
import type { EventLog, LogStopped } from '../../events/log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { streamsRead, type Aggregate, type CommandDefinition, type ReadSet } from '../decider.ts'
import { governed } from '../approval/governed.ts'
import { refusalAllowance } from './refusal-allowance.ts'
import { stateCache, hydrate } from './state-cache.ts'
import type { AppendedEvent, CommandContext, CommandResult, RejectionCode } from './types.ts'
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

type Loaded<State> = { revision: number; state: State }

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
  load: <State>(aggregate: Aggregate<State, never>, stream: StreamName) => Promise<Loaded<State>>
  /**
   * The state of an aggregate after the events of a command, or a later one. It reads the log only if this gate does not remember the
   * state: of a command that it executed itself, it does.
   */
  loadAfter: <State>(
    events: readonly AppendedEvent[],
    aggregate: Aggregate<State, never>,
    stream: StreamName,
  ) => Promise<Loaded<State>>
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

  async function load<State>(aggregate: Aggregate<State, never>, stream: StreamName): Promise<Loaded<State>> {
    const [stored] = await log.loadStates([stream])
    if (!stored) throw new Error(`no answer for ${stream}`)
    const held = await hydrate(log, aggregate, stored)
    return { revision: held.revision, state: held.state as State }
  }

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

    load,

    async loadAfter<State>(events: readonly AppendedEvent[], aggregate: Aggregate<State, never>, stream: StreamName) {
      const held = cache.get(stream)
      return held && held.revision >= revisionAfter(events, stream)
        ? { revision: held.revision, state: held.state as State }
        : load(aggregate, stream)
    },

    stoppedBy: writer.stoppedBy,
  }
}

/** Infinity: the events are not about the stream. */
const revisionAfter = (events: readonly AppendedEvent[], stream: StreamName): number =>
  events.findLast((event) => event.stream === stream)?.revision ?? Infinity

/** Equal commands have equal hashes: the schema determines the order of the fields. */
const hashOf = (name: string, command: unknown): string =>
  hash('sha256', `${name} ${JSON.stringify(command)}`, 'base64url').slice(0, 22)

const describe = (issues: readonly { path: PropertyKey[]; message: string }[]): string =>
  issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
