import { createHash } from 'node:crypto'
import { justBefore, type StreamName } from '../events/identifiers.ts'
import { LogStopped, type AppendResult, type EventLog, type KnownCommand } from '../events/log/log.ts'
import { isoTime, type Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Aggregate, CommandDefinition, ReadSet } from './decider.ts'
import { decideBatch, resultOf, StateTooLarge, summary, type DecidedBatch } from './gate-batch.ts'
import { stateCache, unfold, type Held } from './gate-states.ts'
import type { CommandContext, CommandResult, Pending, RejectionCode } from './gate-types.ts'

export type GateDependencies = {
  log: EventLog
  clock: Clock
  /** Makes ids of events. */
  newId: () => string
  pause: (ms: number) => Promise<void>
  logger: Logger
}

/** Bounds of the gate; every one of them is a limit on memory or on waiting. */
const maxQueued = 10_000
const maxBatch = 512
const maxCachedStreams = 50_000
const maxConflicts = 16
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
}

export function createGate({ log, clock, newId, pause, logger }: GateDependencies): CommandGate {
  const queue: Pending[] = []
  const cache = stateCache(maxCachedStreams)
  let draining = false
  let stopped: LogStopped | null = null

  async function drain(): Promise<void> {
    draining = true
    while (queue.length > 0) await settleBatch(takeBatch(queue))
    draining = false
  }

  async function settleBatch(batch: Pending[]): Promise<void> {
    let decided: DecidedBatch | undefined
    try {
      const before = await loadStates(batch)
      decided = decideBatch(batch, before, isoTime(clock.nowMs()), newId)
      for (const { pending, error } of decided.failed) failOne(pending, error)
      if (decided.verdicts.length === 0) return
      for (const { pending } of decided.verdicts) pending.sent = true
      await settleAppend(decided, await log.append(decided.request))
    } catch (error) {
      await settleFailure(decided?.verdicts.map(({ pending }) => pending) ?? batch, error)
    }
  }

  async function loadStates(batch: Pending[]): Promise<Map<StreamName, Held>> {
    const states = new Map<StreamName, Held>()
    const missing = new Map<StreamName, Aggregate<unknown>>()
    for (const { definition, command } of batch)
      for (const [alias, stream] of Object.entries(definition.reads(command))) {
        const aggregate = definition.aggregates[alias]
        if (!stream || !aggregate || states.has(stream)) continue
        const cached = cache.get(stream)
        if (cached) states.set(stream, cached)
        else missing.set(stream, aggregate)
      }
    for (const stored of await log.loadStates([...missing.keys()])) {
      const aggregate = missing.get(stored.stream)
      if (!aggregate) continue
      const held = await unfold(log, aggregate, stored)
      cache.set(stored.stream, held)
      states.set(stored.stream, held)
    }
    return states
  }

  async function settleAppend(decided: DecidedBatch, outcome: AppendResult): Promise<void> {
    const pendings = decided.verdicts.map(({ pending }) => pending)
    switch (outcome.result) {
      case 'appended': {
        for (const [stream, held] of decided.after) cache.set(stream, held)
        let next = 0
        for (const verdict of decided.verdicts) {
          verdict.pending.settle(resultOf(verdict, outcome.positions.slice(next, next + verdict.events.length)))
          next += verdict.events.length
        }
        return
      }
      case 'duplicate': {
        const known = new Map(outcome.known.map((command) => [pendings[command.index], command]))
        again(pendings.filter((pending) => !known.has(pending)))
        for (const [pending, command] of known) if (pending) await settleKnown(pending, command)
        return
      }
      case 'stale_ids': {
        const stale = new Set([...outcome.expired, ...outcome.ahead])
        again(pendings.filter((_, index) => !stale.has(index)))
        for (const index of outcome.expired) reject(pendings[index], 'id_expired', 'the command id is older than the window in which ids are remembered; nothing was done')
        for (const index of outcome.ahead) reject(pendings[index], 'id_ahead', "the command id's time is too far ahead of the log's clock; set your clock")
        return
      }
      case 'conflict': {
        cache.forget(outcome.current.map(({ stream }) => stream))
        for (const pending of pendings) pending.conflicts++
        again(pendings.filter((pending) => pending.conflicts <= maxConflicts))
        for (const pending of pendings) if (pending.conflicts > maxConflicts) reject(pending, 'overloaded', 'others kept changing the same aggregates; try again')
        return
      }
      default:
        outcome satisfies never
    }
  }

  async function settleKnown(pending: Pending, { contentHash, first, last }: KnownCommand): Promise<void> {
    if (contentHash !== pending.contentHash) return reject(pending, 'command_id_reused', 'this command id was used before, for something else')
    const events = []
    for await (const page of log.read({ after: justBefore(first), upTo: last })) events.push(...page)
    pending.settle({ result: 'duplicate', ...summary(events.map(({ position, stream, revision, type }) => ({ position, stream, revision, type }))) })
  }

  /** The connection failed, or the log must not be written to. An append that may have been applied is sent again: its ids tell. */
  async function settleFailure(batch: Pending[], error: unknown): Promise<void> {
    if (error instanceof LogStopped) {
      stopped = error
      logger.fatal({ code: error.code }, error.message)
      for (const pending of [...batch, ...queue.splice(0)]) reject(pending, 'log_stopped', error.message)
      return
    }
    logger.warn({ err: error, commands: batch.length }, 'the log could not be written; trying again')
    for (const { definition, command } of batch) cache.forget(Object.values(definition.reads(command)).filter((stream) => stream !== null))
    const now = clock.nowMs()
    for (const pending of batch)
      if (pending.giveUpAtMs <= now)
        if (pending.sent) reject(pending, 'outcome_unknown', 'the log did not answer; ask again with the same command id')
        else reject(pending, 'log_unavailable', 'the log cannot be reached; nothing was done')
    again(batch.filter((pending) => pending.giveUpAtMs > now))
    await pause(retryPauseMs)
  }

  const again = (pendings: Pending[]): void => void queue.unshift(...pendings)

  function reject(pending: Pending | undefined, code: RejectionCode, message: string): void {
    pending?.settle({ result: 'rejected', code, message })
  }

  function failOne(pending: Pending, error: unknown): void {
    if (error instanceof StateTooLarge) reject(pending, 'state_too_large', error.message)
    else pending.fail(error)
  }

  return {
    async execute(definition, input, context) {
      if (stopped) return { result: 'rejected', code: 'log_stopped', message: stopped.message }
      const parsed = definition.schema.safeParse(input)
      if (!parsed.success) return { result: 'rejected', code: 'malformed_command', message: describe(parsed.error.issues) }
      if (queue.length >= maxQueued) return { result: 'rejected', code: 'overloaded', message: 'too many commands are waiting; try again' }
      return new Promise((settle, fail) => {
        const { name } = definition
        queue.push({
          definition: definition as CommandDefinition<unknown, ReadSet>,
          command: parsed.data,
          context,
          contentHash: contentHash(name, parsed.data),
          giveUpAtMs: clock.nowMs() + giveUpAfterMs,
          conflicts: 0,
          sent: false,
          settle,
          fail,
        })
        if (!draining) void drain()
      })
    },

    async load<State>(aggregate: Aggregate<State, never>, stream: StreamName) {
      const [stored] = await log.loadStates([stream])
      if (!stored) throw new Error(`no answer for ${stream}`)
      const held = await unfold(log, aggregate as Aggregate<unknown>, stored)
      return { revision: held.revision, state: held.state as State }
    },
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
const contentHash = (name: string, command: unknown): string => createHash('sha256').update(`${name} ${JSON.stringify(command)}`).digest('base64url').slice(0, 22)

const describe = (issues: readonly { path: PropertyKey[]; message: string }[]): string =>
  issues.slice(0, 5).map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ')
