import { isDeepStrictEqual } from 'node:util'
import { aggregateOf } from '../../../src/commands/registry.ts'
import { isBountyEvent } from '../../../src/events/bounty.ts'
import { isChatEvent } from '../../../src/events/chat.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { isModelCallEvent } from '../../../src/events/model-call.ts'
import type { StoredState } from '../../../src/events/log/log.ts'
import type { MemoryTables } from '../../../src/projections/engine/read-model.ts'
import { readModels } from '../../../src/projections/read-models.ts'
import { isBountyEnding } from '../../support/bounty-rules.ts'
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

const answers: ReadonlySet<string> = new Set(['AnswerCompleted', 'AnswerFailed', 'AnswerCancelled'])
const isEnding = (event: AnyRecordedEvent): boolean => answers.has(event.type) || isBountyEnding(event)
/** After these events a bounty needs a worker. */
const judgeable: ReadonlySet<string> = new Set(['BountyWorkSubmitted', 'BountyJudgingQueued', 'BountyJudgingStarted'])

/** The streams of workers' work, with their own events. */
const worksIn = (events: readonly AnyRecordedEvent[]): Map<string, AnyRecordedEvent[]> =>
  Map.groupBy(
    events.filter((event) => (isChatEvent(event) || isBountyEvent(event)) && !isModelCallEvent(event)),
    ({ stream }) => stream,
  )

/** Whether a worker must still do something on a stream. */
const needsWorker = (stream: string, of: readonly AnyRecordedEvent[]): boolean =>
  stream.startsWith('chat/') ? !of.some(isEnding) : judgeable.has(of.at(-1)?.type ?? '')

/** Every prompt, and all submitted work, has a job until it needs none any more, and ends once. */
export function checkJobs(jobs: readonly string[], events: readonly AnyRecordedEvent[]): Violation[] {
  const open = new Set(jobs)
  return [...worksIn(events)].flatMap(([stream, of]) => {
    if (of.filter(isEnding).length > 1) return [violation('ended twice', stream)]
    return needsWorker(stream, of) && !open.has(stream)
      ? [violation('lost job', `${stream} is not done, but no job for it is in the queue`)]
      : []
  })
}

/** No work is left, in a council whose workers had enough time. */
export const checkEndings = (events: readonly AnyRecordedEvent[]): Violation[] =>
  [...worksIn(events)].flatMap(([stream, of]) => (needsWorker(stream, of) ? [violation('never ended', stream)] : []))

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
