import { isDeepStrictEqual } from 'node:util'
import { aggregateOf } from '../../../src/commands/registry.ts'
import { isChatEvent } from '../../../src/events/chat.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import type { StoredState } from '../../../src/events/log/log.ts'
import type { MemoryTables } from '../../../src/projections/engine/read-model.ts'
import { readModels } from '../../../src/projections/read-models.ts'
import { violation, type Violation } from './violation.ts'

/** The stored state of every aggregate is the fold of its events. */
export function checkStates(states: readonly StoredState[], events: readonly AnyRecordedEvent[]): Violation[] {
  const inLog = Map.groupBy(events, ({ stream }) => stream)
  return states.flatMap((stored) => {
    const { stream, revision } = stored
    const aggregate = aggregateOf(stream)
    const of = inLog.get(stream) ?? []
    if (!aggregate) return [violation('state', `${stream} has no aggregate`)]
    if (revision !== of.length)
      return [violation('state', `${stream} is stored at revision ${revision}, the log has ${of.length}`)]
    if (aggregate.appendOnly) return []
    let folded = aggregate.initial
    try {
      for (const event of of) folded = aggregate.evolve(folded, event)
    } catch (error) {
      return [violation('state', `the events of ${stream} do not follow each other: ${String(error)}`)]
    }
    const isFinished = aggregate.finished !== undefined && folded === aggregate.finished
    const isFold =
      stored.status === 'live'
        ? !isFinished && isDeepStrictEqual(JSON.parse(stored.state), folded)
        : stored.status === 'finished' && isFinished
    return isFold
      ? []
      : [
          violation(
            'state',
            `${stream} is stored as ${JSON.stringify(stored)}, its events fold to ${JSON.stringify(folded)}`,
          ),
        ]
  })
}

const terminals: ReadonlySet<string> = new Set(['AnswerCompleted', 'AnswerFailed', 'AnswerCancelled'])

/** Every prompt has a job until it has ended, and ends once. */
export function checkJobs(jobs: readonly string[], events: readonly AnyRecordedEvent[]): Violation[] {
  const open = new Set(jobs)
  return [...Map.groupBy(events.filter(isChatEvent), ({ stream }) => stream)].flatMap(([stream, of]) => {
    const endings = of.filter(({ type }) => terminals.has(type)).length
    if (endings > 1) return [violation('ended twice', stream)]
    return endings === 0 && !open.has(stream)
      ? [violation('lost job', `${stream} has not ended, but no job for it is in the queue`)]
      : []
  })
}

/** Every prompt has ended, in a council whose workers had enough time. */
export const checkEndings = (events: readonly AnyRecordedEvent[]): Violation[] =>
  [...Map.groupBy(events.filter(isChatEvent), ({ stream }) => stream)].flatMap(([stream, of]) =>
    of.some(({ type }) => terminals.has(type)) ? [] : [violation('never ended', stream)],
  )

/** The tables of all read models for a log. */
export function foldedReadModels(events: readonly AnyRecordedEvent[]): MemoryTables {
  const tables: MemoryTables = new Map()
  for (const { foldTables } of readModels) foldTables(events, tables)
  return tables
}

/** The rows in Postgres are the fold of the log. */
export function checkReadModels(shown: MemoryTables, events: readonly AnyRecordedEvent[]): Violation[] {
  let folded: MemoryTables
  try {
    folded = foldedReadModels(events)
  } catch (error) {
    return [violation('read model', `the log cannot be folded: ${String(error)}`)]
  }
  return [...folded].flatMap(([table, expected]) => checkRows(table, shown.get(table) ?? new Map(), expected))
}

function checkRows(
  table: string,
  shown: ReadonlyMap<unknown, object>,
  expected: ReadonlyMap<unknown, object>,
): Violation[] {
  return [...new Set([...shown.keys(), ...expected.keys()])].flatMap((key) => {
    if (isDeepStrictEqual(shown.get(key), expected.get(key))) return []
    return [
      violation(
        'read model',
        `${table} shows ${JSON.stringify(shown.get(key))}, the log has ${JSON.stringify(expected.get(key))}`,
      ),
    ]
  })
}
