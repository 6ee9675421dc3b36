import { definitionOf } from '../../events/catalogue.ts'
import type { EventMetadata } from '../../events/event.ts'
import type { Position, StreamName } from '../../events/identifiers.ts'
import { refusalsStream } from '../../events/refusals.ts'
import type { AppendRequest, ExpectedRevision, NewEvent, NewJob, NewState } from '../../events/log/log.ts'
import { aggregateOfRead, type Aggregate, type Decision, type Event, type ReadSet, type StatesOf } from '../decider.ts'
import type { RefusalAllowance } from './refusal-allowance.ts'
import type { CachedState } from './state-cache.ts'
import type { AppendedEvent, CommandResult, Pending } from './types.ts'
import { refusalHistory } from '../aggregates/refusals.ts'
import type { Refusal } from '../refusals.ts'

/** A state larger than this is an error of the domain's design: it would be written with every append. */
const maxStateCharacters = 65_536
/** Once the events of a batch are so long, the rest of it waits for the next append. */
const maxAppendCharacters = 2_000_000

/** What one command of a batch came to, before the log has confirmed it. */
type DecidedCommand = {
  pending: Pending
  events: Omit<AppendedEvent, 'position'>[]
  /** Events that the append has for it: its own, or the record of its refusal. */
  recorded: number
  decision: Decision<ReadSet>
}

export type DecidedBatch = {
  request: AppendRequest
  commands: DecidedCommand[]
  /** The aggregates as they will be when the request is applied. */
  after: ReadonlyMap<StreamName, CachedState>
  /** Commands whose decision threw, or whose state would be too large; they are not part of the request. */
  failed: { pending: Pending; error: unknown }[]
  /** Commands that did not fit into one append any more, in order. */
  undecided: readonly Pending[]
}

/** When a batch is decided, and what decisions need beside the commands. */
export type Deciding = { now: string; newId: () => string; recordsRefusalOf: RefusalAllowance }

/**
 * Decides commands one after another, each on what the ones before it decided, and makes one append of all.
 * `before` has every aggregate that the commands read, but for histories. Pure, but for what `deciding` gives.
 */
export function decideBatch(
  batch: readonly Pending[],
  before: ReadonlyMap<StreamName, CachedState>,
  deciding: Deciding,
): DecidedBatch {
  const decided = decideAll(batch, before, deciding, false)
  // Hardly ever: then every command's own state is looked at, to find the one that is too much.
  return decided.request.states.some(({ state }) => isTooLarge(state))
    ? decideAll(batch, before, deciding, true)
    : decided
}

/** A state is written out once an append, however many commands change it; only `checksEach` writes it out for each. */
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
      // Everything that may throw happens in here, before anything that the batch shares is touched.
      const made =
        decision.outcome === 'accepted'
          ? accepted(pending, decision.events, working, deciding)
          : refused(pending, decision, deciding)

      if (checksEach)
        for (const { stream, held } of made.states)
          if (isTooLarge(JSON.stringify(held.state))) throw new StateTooLarge(stream)
      for (const { stream, held, aggregate } of made.states) {
        if (aggregate.appendOnly) reads.set(stream, { stream, revision: 'any' })
        else working.set(stream, held)
        written.set(stream, aggregate)
      }
      for (const event of made.events) {
        events.push(event)
        characters += event.data.length + event.metadata.length
      }
      if (decision.outcome === 'accepted') {
        for (const { kind, on } of decision.jobs ?? []) jobs.push({ kind, stream: on, command: commands.length })
        if (decision.finishesJob) finishedJobs.push(decision.finishesJob)
      }
      commands.push({ pending, decision, events: made.own, recorded: made.events.length })
    } catch (error) {
      failed.push({ pending, error })
    }
  }

  const states = [...written].map(([stream, aggregate]) => newState(stream, aggregate, working.get(stream)?.state))
  return {
    request: {
      commands: commands.map(({ pending, recorded }) => ({
        principal: pending.context.principal,
        commandId: pending.context.commandId,
        contentHash: pending.contentHash,
        events: recorded,
      })),
      reads: [...reads.values()],
      events,
      states,
      jobs,
      finishedJobs,
    },
    commands,
    after: settledLater(states, working),
    failed,
    undecided: batch.slice(taken),
  }
}

function expected(stream: StreamName, held: CachedState | undefined): ExpectedRevision {
  if (!held) return { stream, revision: 0 }
  return held.unsettled
    ? { stream, revision: held.revision, state: held.unsettled }
    : { stream, revision: held.revision }
}

function settledLater(
  states: readonly NewState[],
  working: ReadonlyMap<StreamName, CachedState>,
): Map<StreamName, CachedState> {
  const after = new Map<StreamName, CachedState>()
  for (const unsettled of states) {
    const held = working.get(unsettled.stream)
    // A history is in no state.
    if (held) after.set(unsettled.stream, { revision: held.revision, state: held.state, unsettled })
  }
  return after
}

/** A history keeps its revision and nothing else, a finished stream not even that for ever. */
function newState(
  stream: StreamName,
  { stateVersion, finished, appendOnly }: Aggregate<unknown>,
  state: unknown,
): NewState {
  if (appendOnly) return { stream, stateVersion, state: '{}' }
  return { stream, stateVersion, state: finished !== undefined && state === finished ? null : JSON.stringify(state) }
}

/**
 * What a command's caller is told once the append is durable: `positions` are those of all its events, and its own begin at
 * `from`. Revisions in a history count from where the append found it, which `historyRevision` says (and moves on).
 */
export function resultOf(
  { decision, events }: DecidedCommand,
  positions: readonly Position[],
  from: number,
  historyRevision: (stream: StreamName) => number | undefined,
): CommandResult {
  if (decision.outcome === 'refused') {
    const { code, details } = decision
    return details ? { result: 'refused', code, details } : { result: 'refused', code }
  }
  const appended = events.map(({ stream, revision, type }, index) => ({
    position: positions[from + index] as Position,
    stream,
    revision: historyRevision(stream) ?? revision,
    type,
  }))
  return { result: 'appended', position: appended.at(-1)?.position ?? null, events: appended }
}

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
  return definition.decide(command, states as StatesOf<ReadSet>, { now, principal: context.principal })
}

/** What one command adds to the append: its events, checked and written out, and the states after them. */
type Made = {
  events: NewEvent[]
  own: DecidedCommand['events']
  states: { stream: StreamName; held: CachedState; aggregate: Aggregate<unknown> }[]
}

function accepted(
  pending: Pending,
  events: Extract<Decision<ReadSet>, { outcome: 'accepted' }>['events'],
  working: ReadonlyMap<StreamName, CachedState>,
  { now, newId }: Deciding,
): Made {
  const { definition, streams } = pending
  const made: Made = { events: [], own: [], states: [] }
  const metadata = metadataOf(pending, now)

  function write(alias: string, stream: StreamName | null | undefined, ofStream: readonly Event[]): void {
    const read = definition.aggregates[alias]
    if (ofStream.length === 0) return
    if (!stream || !read) throw new Error(`${definition.name} writes to ${alias}, which it did not read`)
    const aggregate = aggregateOfRead(read)
    const before = made.states.find((written) => written.stream === stream)
    let held = before?.held ?? working.get(stream) ?? { revision: 0, state: aggregate.initial }
    for (const event of ofStream) {
      held = { revision: held.revision + 1, state: aggregate.evolve(held.state, event) }
      made.events.push(newEvent(stream, event, metadata, newId()))
      made.own.push({ stream, revision: held.revision, type: event.type })
    }
    if (before) before.held = held
    else made.states.push({ stream, held, aggregate })
  }

  for (const alias in events) {
    const ofAlias = events[alias]
    const target = streams[alias]
    if (!ofAlias) continue
    if ('length' in ofAlias) write(alias, typeof target === 'string' ? target : null, ofAlias)
    else for (const [stream, ofStream] of ofAlias) write(alias, target?.includes(stream) ? stream : null, ofStream)
  }
  return made
}

/** A refusal leaves no trace, but for commands whose refusals are recorded, within the rate of who asks. */
function refused(pending: Pending, { code, details = {} }: Refusal, { now, newId, recordsRefusalOf }: Deciding): Made {
  const { name, recordsRefusals } = pending.definition
  if (!recordsRefusals || !recordsRefusalOf(pending.context.principal)) return { events: [], own: [], states: [] }
  const stream = refusalsStream(now)
  const event = newEvent(
    stream,
    { type: 'CommandRefused', data: { command: name, code, details } },
    metadataOf(pending, now),
    newId(),
  )
  return {
    events: [event],
    own: [],
    states: [{ stream, held: { revision: 0, state: null }, aggregate: refusalHistory }],
  }
}

export class StateTooLarge extends Error {
  constructor(stream: StreamName) {
    super(`the state of ${stream} would pass ${maxStateCharacters} characters`)
    this.name = 'StateTooLarge'
  }
}

/** Checked against the catalogue before it is written: what cannot be read back must never get into the log. */
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

/** What the events of a command share, as an open JSON object: what the context does not have is left out. */
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
