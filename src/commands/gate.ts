import { hash } from 'node:crypto'
import type { StreamName } from '../events/identifiers.ts'
import { LogStopped, type EventLog } from '../events/log/log.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Aggregate, CommandDefinition, ReadSet } from './decider.ts'
import { stateCache, unfold } from './gate-states.ts'
import type { CommandContext, CommandResult, Pending, RejectionCode } from './gate-types.ts'
import { reject, writeBatch } from './gate-write.ts'

export type GateDependencies = {
  log: EventLog
  clock: Clock
  /** Makes ids of events. */
  newId: () => string
  pause: (ms: number) => Promise<void>
  /** Whether the log's memory is so far used up that no new work may begin. */
  isNearlyFull?: () => boolean
  logger: Logger
}

/** Bounds of the gate; every one of them is a limit on memory or on waiting. */
const maxQueued = 10_000
const maxBatch = 512
const maxCachedStreams = 50_000
const giveUpAfterMs = 10_000
const retryPauseMs = 50

export type CommandGate = {
  /**
   * Decides a command and makes it durable. Commands that arrive while an append is in flight are decided one after
   * another and written together in the next one (group commit). Never throws for an expected outcome.
   */
  execute: <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: unknown, context: CommandContext) => Promise<CommandResult>
  /** An aggregate as it is now. */
  load: <State>(aggregate: Aggregate<State, never>, stream: StreamName) => Promise<{ revision: number; state: State }>
  /** Why nothing may be written any more; null while everything is well. */
  stoppedBy: () => LogStopped | null
}

export function createGate({ log, clock, newId, pause, isNearlyFull = () => false, logger }: GateDependencies): CommandGate {
  const queue: Pending[] = []
  const cache = stateCache(maxCachedStreams)
  let draining = false
  let stopped: LogStopped | null = null

  async function drain(): Promise<void> {
    draining = true
    while (queue.length > 0) {
      const batch = takeBatch(queue)
      try {
        queue.unshift(...(await writeBatch({ log, cache, clock, newId, logger }, batch)))
      } catch (error) {
        if (error instanceof LogStopped) stop(error, batch)
        else await tryAgain(error, batch)
      }
    }
    draining = false
  }

  function stop(error: LogStopped, batch: readonly Pending[]): void {
    stopped = error
    logger.fatal({ code: error.code }, error.message)
    for (const pending of [...batch, ...queue.splice(0)])
      if (pending.sent) reject(pending, 'outcome_unknown', `an append may have been applied before the log stopped: ${error.message}`)
      else reject(pending, 'log_stopped', error.message)
  }

  /** The connection failed. An append that may have been applied is sent again: its command ids tell whether it was. */
  async function tryAgain(error: unknown, batch: readonly Pending[]): Promise<void> {
    logger.warn({ err: error, commands: batch.length }, 'the log could not be written; trying again')
    for (const { streams } of batch) cache.forget(Object.values(streams).filter((stream) => stream !== null))
    const nowMs = clock.nowMs()
    for (const pending of batch) {
      if (pending.giveUpAtMs > nowMs) continue
      if (pending.sent) reject(pending, 'outcome_unknown', 'the log did not answer; ask again with the same command id')
      else reject(pending, 'log_unavailable', 'the log cannot be reached; nothing was done')
    }
    queue.unshift(...batch.filter((pending) => pending.giveUpAtMs > nowMs))
    await pause(retryPauseMs)
  }

  return {
    execute(definition, input, context) {
      const rejected = (code: RejectionCode, message: string): Promise<CommandResult> => Promise.resolve({ result: 'rejected', code, message })
      if (stopped) return rejected('log_stopped', stopped.message)
      const parsed = definition.schema.safeParse(input)
      if (!parsed.success) return rejected('malformed_command', describe(parsed.error.issues))
      if (definition.startsWork && isNearlyFull())
        return rejected('log_nearly_full', "the log's memory is nearly used up: no new work begins until there is room; what has begun goes on")
      if (queue.length >= maxQueued) return rejected('overloaded', 'too many commands are waiting; try again')
      return new Promise((settle, fail) => {
        const command = parsed.data
        const streams = definition.reads(command)
        const contentHash = hashOf(definition.name, command)
        const giveUpAtMs = clock.nowMs() + giveUpAfterMs
        // The definition's own schema has parsed the command: from here on only the two together are used.
        queue.push({ definition: definition as CommandDefinition<unknown, ReadSet>, command, context, streams, contentHash, giveUpAtMs, conflicts: 0, sent: false, settle, fail })
        if (!draining) void drain()
      })
    },

    async load<State>(aggregate: Aggregate<State, never>, stream: StreamName) {
      const [stored] = await log.loadStates([stream])
      if (!stored) throw new Error(`no answer for ${stream}`)
      const held = await unfold(log, aggregate, stored)
      return { revision: held.revision, state: held.state as State }
    },

    stoppedBy: () => stopped,
  }
}

/** As many as one append takes, in order. The same id twice must not be in one append: the log could not tell them apart. */
function takeBatch(queue: Pending[]): Pending[] {
  const ids = new Set<string>()
  let count = 0
  for (const { context } of queue.slice(0, maxBatch)) {
    const id = `${context.principal} ${context.commandId}`
    if (ids.has(id)) break
    ids.add(id)
    count++
  }
  return queue.splice(0, count)
}

/** Same command and same fields, same hash: fields are ordered by the schema that parsed them. */
const hashOf = (name: string, command: unknown): string => hash('sha256', `${name} ${JSON.stringify(command)}`, 'base64url').slice(0, 22)

const describe = (issues: readonly { path: PropertyKey[]; message: string }[]): string =>
  issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
