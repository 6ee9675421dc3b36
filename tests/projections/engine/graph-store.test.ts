import { expect, test } from 'vitest'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { beginning, comparePositions, type StreamName } from '../../../src/events/identifiers.ts'
import type { ReadOptions } from '../../../src/events/log/log.ts'
import { applyEvents, type Target } from '../../../src/projections/engine/apply.ts'
import { beforeFirst } from '../../../src/projections/engine/checkpoint.ts'
import { schemaOf } from '../../../src/projections/engine/generations.ts'
import type { Projection } from '../../../src/projections/engine/projection.ts'
import { rebuild } from '../../../src/projections/engine/rebuild.ts'
import { eventAt } from '../../support/event-at.ts'
import { emptyGraph, graphStore, type Graph, type GraphSession } from '../../support/graph-store.ts'

/** A node for each stream, with the sequence of its newest freeze: absolute values, which are safe to repeat. */
const freezes = (applied: number[] = []): Projection<GraphSession> => ({
  name: 'graph',
  version: 1,
  tables: [],
  handles: new Set(['AccountFrozen']),
  createTables: async () => undefined,
  async apply({ graph, statement }, schema, events) {
    for (const { stream, sequence } of events) {
      statement('apply')
      applied.push(sequence)
      const nodes = graph.generations.get(schema)
      nodes?.set(stream, Math.max(sequence, nodes.get(stream) ?? 0))
    }
  },
})

/** A log in pages of three events, to which an event is added after every read up to its end. */
function busyLog() {
  const events: AnyRecordedEvent[] = []
  const grow = (count: number) => {
    for (let added = 0; added < count; added++) events.push(eventAt(events.length + 1))
  }
  return {
    events,
    grow,
    head: async () => events.at(-1)?.position ?? beginning,
    async *read({ after = beginning, upTo }: ReadOptions = {}) {
      const found = events.filter(
        ({ position }) =>
          comparePositions(position, after) > 0 && (upTo === undefined || comparePositions(position, upTo) <= 0),
      )
      for (let start = 0; start < found.length; start += 3) yield found.slice(start, start + 3)
      if (upTo === undefined) grow(1)
    },
  }
}

type BusyLog = ReturnType<typeof busyLog>

const died = (): Error => Object.assign(new Error('the process died'), { code: '08006' })

/** A process that dies before one of its statements: none from then on reaches the graph. */
function dyingBefore(nth: number) {
  let count = 0
  return {
    hasDied: () => count >= nth,
    statement: () => {
      count += 1
      if (count >= nth) throw died()
    },
  }
}

/** Rebuilds in a process of its own; every earlier process is dead. */
const rebuildOn = (
  graph: Graph,
  log: BusyLog,
  statement: (name: string) => void = () => undefined,
  applied?: number[],
) =>
  rebuild(
    {
      log,
      store: graphStore(graph, statement),
      rebuilder: { host: 'here', pid: 1, isAlive: () => false, newFence: () => crypto.randomUUID() },
      elapsedMs: () => performance.now(),
    },
    freezes(applied),
  )

/** Expects that queries see the fold of the log up to the checkpoint, without a missing or a repeated event. */
function expectServed({ registered, generations }: Graph, { events }: BusyLog): void {
  const folded = new Map<StreamName, number>()
  for (const { stream, sequence } of events.slice(0, registered?.sequence)) folded.set(stream, sequence)
  expect(generations.get(schemaOf('graph', registered?.generation ?? 0))).toEqual(folded)
}

test('a store without transactions applies events before it moves its checkpoint, and again after a crash in between', async () => {
  const graph = emptyGraph()
  graph.registered = { ...beforeFirst, version: 1, generation: 1 }
  graph.generations.set('graph_1', new Map())
  let crashes = true
  const store = graphStore(graph, (name) => {
    if (crashes && name === 'moveCheckpoint') throw died()
  })
  const target: Target<GraphSession> = {
    projection: freezes(),
    schema: 'graph_1',
    advance: (session, from, to) => store.moveCheckpoint(session, 'graph', 1, from, to),
    applied: () => undefined,
  }
  const events = [eventAt(1), eventAt(2), eventAt(3, 'AccountUnfrozen'), eventAt(4)]
  await expect(applyEvents(store, target, beforeFirst, events)).rejects.toThrow('the process died')
  expect(graph.registered).toMatchObject(beforeFirst)
  crashes = false
  expect(await applyEvents(store, target, graph.registered, events)).toMatchObject({ sequence: 4 })
  expect(graph).toMatchObject({
    generations: new Map([
      [
        'graph_1',
        new Map([
          [eventAt(1).stream, 1],
          [eventAt(4).stream, 4],
        ]),
      ],
    ]),
    registered: { sequence: 4 },
  })
  expect(await applyEvents(store, target, beforeFirst, events)).toBeUndefined()
})

test('a rebuild without transactions may die before any of its statements: queries see a whole generation, and the next rebuild completes', async () => {
  let nth = 1
  for (let isComplete = false; !isComplete; nth++) {
    const graph = emptyGraph()
    const log = busyLog()
    log.grow(4)
    await rebuildOn(graph, log)
    log.grow(4)
    const process = dyingBefore(nth)
    const outcome: unknown = await rebuildOn(graph, log, process.statement).catch((error: unknown) => error)
    isComplete = !process.hasDied()
    if (!isComplete) expect(outcome).toMatchObject({ message: 'the process died' })
    expectServed(graph, log)

    const { generation } = await rebuildOn(graph, log)
    expect(graph).toMatchObject({ registered: { generation, sequence: log.events.length - 1 }, lease: undefined })
    expect([...graph.generations.keys()]).toEqual([schemaOf('graph', generation)])
    expectServed(graph, log)
  }
  // More points than batches: the process also dies within a batch, between the last batch and the swap, and within the swap.
  expect(nth).toBeGreaterThan(20)
})

test('a swap without transactions that fails after its last events applies them again', async () => {
  const graph = emptyGraph()
  const log = busyLog()
  log.grow(4)
  const applied: number[] = []
  let fails = true
  await rebuildOn(
    graph,
    log,
    (name) => {
      if (!fails || name !== 'serveGeneration') return
      fails = false
      throw Object.assign(new Error('lock timeout'), { code: '55P03' })
    },
    applied,
  )
  expect(applied).toEqual([1, 2, 3, 4, 5, 5, 6, 7])
  expect(graph.registered).toMatchObject({ generation: 1, sequence: 7 })
  expectServed(graph, log)
})
