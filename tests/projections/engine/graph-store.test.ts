import { expect, test } from 'vitest'
import { applyEvents, type Target } from '../../../src/projections/engine/apply.ts'
import { beforeFirst, type Checkpoint } from '../../../src/projections/engine/checkpoint.ts'
import type { Projection } from '../../../src/projections/engine/projection.ts'
import type { ReadModelStore } from '../../../src/projections/engine/store.ts'
import { eventAt } from '../../support/event-at.ts'

/** A target without transactions: statements take effect one by one. */
type Graph = { nodes: Map<string, number>; checkpoint: Checkpoint }

const lastOfStream: Projection<Graph> = {
  name: 'graph',
  version: 1,
  tables: [],
  handles: new Set(['Seen']),
  createTables: async () => undefined,
  async apply({ nodes }, _, events) {
    for (const { stream, sequence } of events) nodes.set(stream, Math.max(sequence, nodes.get(stream) ?? 0))
  },
}

test('a store without transactions applies events before it moves its checkpoint, and again after a crash in between', async () => {
  const graph: Graph = { nodes: new Map(), checkpoint: beforeFirst }
  const store: Pick<ReadModelStore<Graph>, 'transaction' | 'isTransactional'> = {
    isTransactional: false,
    transaction: (work) => work(graph),
  }
  let crashes = true
  const target: Target<Graph> = {
    projection: lastOfStream,
    schema: 'graph_1',
    async advance(session, from, to) {
      if (crashes) throw new Error('the process dies')
      if (session.checkpoint.position !== from.position) return false
      session.checkpoint = to
      return true
    },
    applied: () => undefined,
  }
  const events = [eventAt(1), eventAt(2), eventAt(3, 'Unhandled'), eventAt(4)]
  await expect(applyEvents(store, target, beforeFirst, events)).rejects.toThrow('the process dies')
  expect(graph.checkpoint).toEqual(beforeFirst)
  crashes = false
  expect(await applyEvents(store, target, graph.checkpoint, events)).toMatchObject({ sequence: 4 })
  expect(graph).toMatchObject({
    nodes: new Map([
      [eventAt(1).stream, 1],
      [eventAt(4).stream, 4],
    ]),
    checkpoint: { sequence: 4 },
  })
  expect(await applyEvents(store, target, beforeFirst, events)).toBeUndefined()
})
