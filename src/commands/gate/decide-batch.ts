import { definitionOf } from '../../events/catalogue.ts'
import type { EventMetadata } from '../../events/event.ts'
import { Uuid7, type Position, type StreamName } from '../../events/identifiers.ts'
import { refusalsStream } from '../../events/refusals.ts'
import type {
  AppendedCommand,
  AppendRequest,
  ExpectedRevision,
  NewEvent,
  NewJob,
  NewState,
} from '../../events/log/log.ts'
import { aggregateOfRead, type Aggregate, type Decision, type Event, type ReadSet } from '../decider.ts'
import type { RefusalAllowance } from './refusal-allowance.ts'
import type { CachedState } from './state-cache.ts'
import type { AppendedEvent, CommandResult, Pending } from './types.ts'
import { refusals } from '../aggregates/refusals.ts'
import type { Refusal } from '../refusals.ts'

/** A larger state is a design error, because every append writes the whole state. */
const maxStateCharacters = 65_536
/** Once the events of a batch reach this length, the remaining commands wait for the next append. */
const maxAppendCharacters = 2_000_000

/** A decided command; the log has not confirmed it yet. */
type DecidedCommand = {
  pending: Pending
  events: Omit<AppendedEvent, 'position'>[]
  /** The number of events in the append: its own, or the record of its refusal. */
  recorded: number
  decision: Decision<ReadSet>
}

export type DecidedBatch = {
  request: AppendRequest
  commands: DecidedCommand[]
  /** The states after the request is applied. */
  after: ReadonlyMap<StreamName, CachedState>
  /** Commands whose decision threw or whose state would be too large. The request omits them. */
  failed: { pending: Pending; error: unknown }[]
  /** Commands that did not fit into the append, in order. */
  undecided: readonly Pending[]
}

/** The inputs of a decision other than commands and states. */
export type Deciding = { now: string; newId: () => string; recordsRefusalOf: RefusalAllowance }

/**
 * Decides commands in order, each on the results of the previous ones, and combines them into one append. `before` has the state
 * of every stream that the commands read, except append-only streams. Pure, apart from the functions in `deciding`.
 */
export function decideBatch(
  batch: readonly Pending[],
  before: ReadonlyMap<StreamName, CachedState>,
  deciding: Deciding,
): DecidedBatch {
  const decided = decideAll(batch, before, deciding, false)
  // Rare: decide again and check the state after each command, to find the one that makes it too large.
  return decided.request.states.some(({ state }) => isTooLarge(state))
    ? decideAll(batch, before, deciding, true)
    : decided
}

/** An append serializes each state once, however many commands change it. With `checksEach` it also does so after each command. */
function decideAll(
  batch: readonly Pending[],
  before: ReadonlyMap<StreamName, CachedState>,
  deciding: Deciding,
  checksEach: boolean,
): DecidedBatch {
  const { now } = deciding
  const working = new Map(before)
  const written = new Map<StreamName, Aggregate<unknown>>()
  const reads = new Map<StreamName, ExpectedRevision>()
  const events: NewEvent[] = []
  const jobs: NewJob[] = []
  const finishedJobs: string[] = []
  const commands: DecidedCommand[] = []
  const failed: DecidedBatch['failed'] = []
  let characters = 0
  let taken = 0

  for (const pending of batch) {
    if (characters >= maxAppendCharacters) break
    taken++
    try {
      for (const { stream, aggregate } of pending.reads)
        if (!aggregate.appendOnly) reads.set(stream, expected(stream, before.get(stream)))
      const decision = decideOne(pending, working, now)
      // Everything that may throw happens here, before the shared variables of the batch change.
      const part =
        decision.outcome === 'accepted'
          ? accepted(pending, decision.events, working, deciding)
          : refused(pending, decision, deciding)

      if (checksEach)
        for (const { stream, held } of part.states)
          if (isTooLarge(JSON.stringify(held.state))) throw new StateTooLarge(stream)
      for (const { stream, held, aggregate } of part.states) {
        if (aggregate.appendOnly) reads.set(stream, { stream, revision: 'any' })
        else working.set(stream, held)
        written.set(stream, aggregate)
      }
      for (const event of part.events) {
        events.push(event)
        characters += event.data.length + event.metadata.length
      }
      if (decision.outcome === 'accepted') {
        for (const { kind, on } of decision.jobs ?? []) jobs.push({ kind, stream: on, command: commands.length })
        if (decision.finishesJob) finishedJobs.push(decision.finishesJob)
      }
      commands.push({ pending, decision, events: part.own, recorded: part.events.length })
    } catch (error) {
      failed.push({ pending, error })
    }
  }

  const states = [...written].map(([stream, aggregate]) => newState(stream, aggregate, working.get(stream)?.state))
  return {
    request: {
      commands: commands.map(appendedCommand),
      reads: [...reads.values()],
      events,
      states,
      jobs,
      finishedJobs,
    },
    commands,
    after: statesAfter(states, working),
    failed,
    undecided: batch.slice(taken),
  }
}

const appendedCommand = ({ pending: { context, contentHash }, recorded }: DecidedCommand): AppendedCommand => ({
  principal: context.principal,
  commandId: context.commandId,
  contentHash,
  events: recorded,
  ...(context.fence !== undefined && { fence: context.fence }),
})

function expected(stream: StreamName, held: CachedState | undefined): ExpectedRevision {
  if (!held) return { stream, revision: 0 }
  return held.unconfirmed
    ? { stream, revision: held.revision, state: held.unconfirmed }
    : { stream, revision: held.revision }
}

/** The states that the append leads to; the log has not confirmed them. */
function statesAfter(
  states: readonly NewState[],
  working: ReadonlyMap<StreamName, CachedState>,
): Map<StreamName, CachedState> {
  const after = new Map<StreamName, CachedState>()
  for (const unconfirmed of states) {
    const held = working.get(unconfirmed.stream)
    // An append-only stream has no state.
    if (held) after.set(unconfirmed.stream, { revision: held.revision, state: held.state, unconfirmed })
  }
  return after
}

/** An append-only stream stores only its revision; a finished stream stores it for a limited time. Neither has a deadline. */
function newState(stream: StreamName, aggregate: Aggregate<unknown>, state: unknown): NewState {
  const { stateVersion, finished, appendOnly } = aggregate
  if (appendOnly) return { stream, deadlineMs: null, stateVersion, state: '{}' }
  if (finished !== undefined && state === finished) return { stream, deadlineMs: null, stateVersion, state: null }
  const deadlineMs = aggregate.nextDeadlineMs?.(state) ?? null
  return { stream, deadlineMs, stateVersion, state: JSON.stringify(state) }
}

/**
 * The result of a command in a durable append. `positions` are the positions of all events; those of this command begin at `from`.
 * `appendOnlyRevision` returns the next revision of an append-only stream.
 */
export function resultOf(
  { decision, events }: DecidedCommand,
  positions: readonly Position[],
  from: number,
  appendOnlyRevision: (stream: StreamName) => number | undefined,
): CommandResult {
  if (decision.outcome === 'refused') {
    const { code, details } = decision
    return details ? { result: 'refused', code, details } : { result: 'refused', code }
  }
  const appended = events.map(({ stream, revision, type }, index) => ({
    position: positions[from + index] as Position,
    stream,
    revision: appendOnlyRevision(stream) ?? revision,
    type,
  }))
  return doneResult('appended', appended)
}

/** The result of a command that is in the log. */
export function doneResult(result: 'appended' | 'duplicate', events: AppendedEvent[]): CommandResult {
  const position = events.at(-1)?.position ?? null
  const proposal = events.find(({ type }) => type === 'ApprovalRequested')
  const isGranted = events.some(({ type }) => type === 'ApprovalGranted')
  if (!proposal || isGranted || position === null) return { result, position, events }
  return { result: 'approval_required', approvalId: approvalIdOf(proposal.stream), position, events }
}

const approvalIdOf = (stream: StreamName): Uuid7 => Uuid7.parse(stream.slice(stream.indexOf('/') + 1))

const isTooLarge = (state: string | null): boolean => state !== null && state.length > maxStateCharacters

function decideOne(
  { definition, command, context, streams }: Pending,
  working: ReadonlyMap<StreamName, CachedState>,
  now: string,
): Decision<ReadSet> {
  const states: Record<string, unknown> = {}
  for (const alias in definition.aggregates) {
    const read = definition.aggregates[alias]
    const target = streams[alias]
    const initial = read && aggregateOfRead(read).initial
    states[alias] =
      typeof target === 'object' && target
        ? new Map(target.map((stream) => [stream, working.get(stream)?.state ?? initial]))
        : ((target && working.get(target)?.state) ?? initial)
  }
  return definition.decide(command, states, { now, principal: context.principal })
}

/** The part of an append that one command adds: its events, validated and serialized, and the states after them. */
type CommandPart = {
  events: NewEvent[]
  own: DecidedCommand['events']
  states: { stream: StreamName; held: CachedState; aggregate: Aggregate<unknown> }[]
}

function accepted(
  pending: Pending,
  events: Extract<Decision<ReadSet>, { outcome: 'accepted' }>['events'],
  working: ReadonlyMap<StreamName, CachedState>,
  { now, newId }: Deciding,
): CommandPart {
  const { definition, streams } = pending
  const part: CommandPart = { events: [], own: [], states: [] }
  const metadata = metadataOf(pending, now)

  function write(alias: string, stream: StreamName | null | undefined, ofStream: readonly Event[]): void {
    const read = definition.aggregates[alias]
    if (ofStream.length === 0) return
    if (!stream || !read) throw new Error(`${definition.name} writes to ${alias}, which it did not read`)
    const aggregate = aggregateOfRead(read)
    const before = part.states.find((written) => written.stream === stream)
    let held = before?.held ?? working.get(stream) ?? { revision: 0, state: aggregate.initial }
    for (const event of ofStream) {
      held = { revision: held.revision + 1, state: aggregate.evolve(held.state, event) }
      part.events.push(newEvent(stream, event, metadata, newId()))
      part.own.push({ stream, revision: held.revision, type: event.type })
    }
    if (before) before.held = held
    else part.states.push({ stream, held, aggregate })
  }

  for (const alias in events) {
    const ofAlias = events[alias]
    const target = streams[alias]
    if (!ofAlias) continue
    if ('length' in ofAlias) write(alias, typeof target === 'string' ? target : null, ofAlias)
    else for (const [stream, ofStream] of ofAlias) write(alias, target?.includes(stream) ? stream : null, ofStream)
  }
  return part
}

/** Records a refusal if the command asks for it and its principal is below the rate limit. */
function refused(
  pending: Pending,
  { code, details = {} }: Refusal,
  { now, newId, recordsRefusalOf }: Deciding,
): CommandPart {
  const { name, recordsRefusals } = pending.definition
  const isRecorded = recordsRefusals === true || recordsRefusals?.includes(code) === true
  if (!isRecorded || !recordsRefusalOf(pending.context.principal)) return { events: [], own: [], states: [] }
  const stream = refusalsStream(now)
  const event = newEvent(
    stream,
    { type: 'CommandRefused', data: { command: name, code, details } },
    metadataOf(pending, now),
    newId(),
  )
  return { events: [event], own: [], states: [{ stream, held: { revision: 0, state: null }, aggregate: refusals }] }
}

export class StateTooLarge extends Error {
  constructor(stream: StreamName) {
    super(`the state of ${stream} would pass ${maxStateCharacters} characters`)
    this.name = 'StateTooLarge'
  }
}

/** Validates an event against the catalogue: an event that cannot be read back must never reach the log. */
function newEvent(stream: StreamName, { type, data }: Event, metadata: string, eventId: string): NewEvent {
  const known = definitionOf(type)
  const parsed = known?.data.safeParse(data)
  if (!known || !parsed?.success)
    throw new Error(`${type} on ${stream} is not what the catalogue says: ${parsed?.error?.message ?? 'unknown type'}`)
  return {
    stream,
    type,
    version: known.version,
    data: JSON.stringify(data),
    metadata: `${metadata},"eventId":${JSON.stringify(eventId)}}`,
  }
}

/** The shared metadata of a command's events, as a JSON object without its closing brace. */
function metadataOf({ context, contentHash }: Pending, now: string): string {
  const { commandId, idempotencyKey, principal, requestId, correlationId, causationId, traceparent } = context
  const shared: Omit<EventMetadata, 'eventId'> = {
    commandId,
    idempotencyKey: idempotencyKey || undefined,
    requestId: requestId || undefined,
    correlationId: correlationId ?? requestId ?? commandId,
    causationId: causationId ?? commandId,
    actor: principal,
    traceparent: traceparent || undefined,
    contentHash,
    occurredAt: now,
  }
  return JSON.stringify(shared).slice(0, -1)
}
