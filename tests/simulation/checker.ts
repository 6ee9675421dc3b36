import { aggregateOf } from '../../src/commands/registry.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { comparePositions, type StreamName } from '../../src/events/identifiers.ts'
import type { EventLog } from '../../src/events/log/log.ts'
import type { MemoryTables } from '../../src/projections/engine/read-model.ts'
import { approvalFaults } from '../support/approval-rules.ts'
import { bountyFaults } from '../support/bounty-rules.ts'
import { staleWrites } from './clock.ts'
import type { IssuedCommand } from './client.ts'
import { commandViolations } from './command-checker.ts'
import { ledgerViolations } from './ledger-checker.ts'
import { folds } from './read-models.ts'
import type { World } from './world.ts'

/** The violations of a finished run, as text. */
export async function violationsOf(
  world: World,
  history: readonly IssuedCommand[],
  clockTokens: ReadonlyMap<string, number>,
): Promise<string[]> {
  const log = world.server.open()
  const events: AnyRecordedEvent[] = []
  for await (const page of log.read()) events.push(...page)
  return [
    ...orderViolations(events),
    ...commandViolations(events, history, world.takenAt),
    ...ledgerViolations(events),
    ...approvalFaults(events),
    ...staleWrites(events, clockTokens, world.tokenAt),
    ...bountyFaults(events),
    ...(await stateViolations(log, events)),
    ...jobViolations(world, events),
    ...readModelViolations(world, events),
    ...readerViolations(world, events),
  ]
}

/** Sequences and revisions have no gap, and positions rise. */
function orderViolations(events: readonly AnyRecordedEvent[]): string[] {
  const found: string[] = []
  const revisions = new Map<StreamName, number>()
  events.forEach((event, index) => {
    const before = events[index - 1]
    if (event.sequence !== index + 1) found.push(`event ${index + 1} has sequence ${event.sequence}`)
    if (before && comparePositions(before.position, event.position) >= 0)
      found.push(`event ${event.sequence} is at ${event.position}, which is not after ${before.position}`)
    const revision = (revisions.get(event.stream) ?? 0) + 1
    if (event.revision !== revision) found.push(`${event.stream} has revision ${event.revision} instead of ${revision}`)
    revisions.set(event.stream, event.revision)
  })
  return found
}

/** The stored state of a stream is the fold of its events. */
async function stateViolations(log: EventLog, events: readonly AnyRecordedEvent[]): Promise<string[]> {
  const found: string[] = []
  for (const [stream, own] of Map.groupBy(events, (event) => event.stream)) {
    const aggregate = aggregateOf(stream)
    const [stored] = await log.loadStates([stream])
    if (!aggregate || !stored) throw new Error(`no aggregate has the stream ${stream}`)
    if (stored.revision !== own.length && stored.status !== 'absent')
      found.push(`the state of ${stream} has revision ${stored.revision}, its last event has ${own.length}`)
    if (stored.status !== 'live' || aggregate.appendOnly) continue
    try {
      const folded = JSON.stringify(own.reduce((state, event) => aggregate.evolve(state, event), aggregate.initial))
      if (stored.state !== folded)
        found.push(`the state of ${stream} is ${stored.state}, the fold of its events is ${folded}`)
    } catch (error) {
      found.push(`${stream} cannot be folded: ${error instanceof Error ? error.message : ''}`)
    }
  }
  return found
}

/** A prompt, or work to judge, has one job until it needs none any more. */
function jobViolations({ server }: World, events: readonly AnyRecordedEvent[]): string[] {
  const queued = server.jobs().map(({ stream }) => stream)
  const found: string[] = []
  for (const [stream, own] of Map.groupBy(events, (event) => event.stream)) {
    const expected = expectedJobs(stream, own)
    if (expected === null) continue
    const jobs = queued.filter((job) => job === stream).length
    if (jobs !== expected) found.push(`${stream} has ${jobs} jobs, ${expected} expected`)
  }
  return found
}

/** The jobs of a stream at the end of a run; null for a stream whose folds or jobs are checked elsewhere. */
function expectedJobs(stream: StreamName, own: readonly AnyRecordedEvent[]): number | null {
  if (stream.startsWith('chat/')) return own.at(-1)?.type.startsWith('Answer') ? 0 : 1
  if (!stream.startsWith('bounty/')) return null
  const last = own.findLast(({ type }) => type.startsWith('Bounty') && type !== 'BountyJudgingStarted')?.type
  return last === 'BountyWorkSubmitted' || last === 'BountyJudgingQueued' ? 1 : 0
}

/** Every read model is the fold of the whole log by the newest release, and no earlier generation or lease is left. */
function readModelViolations({ database, projectors }: World, events: readonly AnyRecordedEvent[]): string[] {
  const found: string[] = []
  const newest = Math.max(...projectors.map(({ version }) => version))
  for (const [name, fold] of Object.entries(folds)) {
    const served = database.served(name)
    if (!served) {
      found.push(`the read model ${name} was never built`)
      continue
    }
    const { registered, tables } = served
    if (registered.position !== (events.at(-1)?.position ?? '0-0'))
      found.push(`${name} has applied ${registered.sequence} of ${events.length} events`)
    const expected: MemoryTables = new Map()
    try {
      fold(expected, events)
    } catch (error) {
      found.push(`${name} cannot be folded: ${error instanceof Error ? error.message : ''}`)
    }
    for (const [table, rows] of expected)
      if (textOf(tables.get(table)) !== textOf(rows)) found.push(`${table} is not the fold of the log`)
    for (const { generation, isLeased } of database.others(name))
      if (!isLeased) found.push(`generation ${generation} of ${name} was not removed`)
    if (database.isServedLeased(name)) found.push(`a rebuild of ${name} still holds its lease`)
    if (registered.version !== newest)
      found.push(`${name} was built by version ${registered.version} instead of ${newest}`)
  }
  return found
}

const textOf = (rows: ReadonlyMap<unknown, object> = new Map()): string =>
  JSON.stringify([...rows].toSorted(([left], [right]) => (String(left) < String(right) ? -1 : 1)))

/** The reader received every event once and in order. */
function readerViolations({ seen }: World, events: readonly AnyRecordedEvent[]): string[] {
  const [wanted, got] = [events, seen].map((list) => list.map(({ position }) => position))
  const at = wanted?.findIndex((position, index) => got?.[index] !== position) ?? -1
  if (at >= 0) return [`the reader received ${got?.[at] ?? 'nothing'} instead of event ${at + 1} at ${wanted?.[at]}`]
  return seen.length > events.length ? [`the reader received ${seen.length} events, the log has ${events.length}`] : []
}
