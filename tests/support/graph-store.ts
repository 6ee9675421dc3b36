import type { StreamName } from '../../src/events/identifiers.ts'
import type { Registered } from '../../src/projections/engine/checkpoint.ts'
import { schemaOf } from '../../src/projections/engine/generations.ts'
import type { LeaseHolder } from '../../src/projections/engine/lease-rows.ts'
import type { ReadModelStore } from '../../src/projections/engine/store.ts'

/**
 * A graph database with one read model: nodes by stream, in generations by schema. Queries see the registered
 * generation.
 */
export type Graph = {
  registered: Registered | undefined
  generations: Map<string, Map<StreamName, number>>
  lease: LeaseHolder | undefined
}

/** A session of one process. It calls `statement` before each of its statements, which then takes effect by itself. */
export type GraphSession = { graph: Graph; statement: (name: string) => void }

export const emptyGraph = (): Graph => ({ registered: undefined, generations: new Map(), lease: undefined })

/** The store of a graph, without transactions. A stand-in: the council has no real one yet. */
export const graphStore = (graph: Graph, statement: GraphSession['statement']): ReadModelStore<GraphSession> => ({
  isTransactional: false,
  transaction: (work) => work({ graph, statement }),
  migrate: async () => undefined,
  async loadRegistered() {
    statement('loadRegistered')
    return graph.registered
  },
  async moveCheckpoint(_session, _name, generation, from, to) {
    statement('moveCheckpoint')
    const { registered } = graph
    if (registered?.generation !== generation || registered.position !== from.position) return false
    graph.registered = { ...registered, ...to }
    return true
  },
  async register(_session, _name, registered) {
    statement('register')
    graph.registered = registered
  },
  async generationsOf(_session, name) {
    statement('generationsOf')
    return [...graph.generations.keys()].map((schema) => Number(schema.slice(name.length + 1)))
  },
  async createGeneration(_session, { name }, generation) {
    statement('createGeneration')
    graph.generations.set(schemaOf(name, generation), new Map())
  },
  async dropOtherGenerations(_session, name, serving) {
    for (const schema of [...graph.generations.keys()])
      if (serving === undefined || schema !== schemaOf(name, serving)) {
        statement('dropOtherGenerations')
        graph.generations.delete(schema)
      }
  },
  serveGeneration: async () => statement('serveGeneration'),
  limitWaiting: async () => undefined,
  async loadHolder() {
    statement('loadHolder')
    return graph.lease
  },
  async takeLease(_session, { host, pid, fence, startedAt }, over) {
    statement('takeLease')
    if (graph.lease && graph.lease.fence !== over) return false
    graph.lease = { host, pid, fence, startedAt }
    return true
  },
  nameGeneration: async () => undefined,
  async renewLease(_session, _name, { fence }) {
    statement('renewLease')
    return graph.lease?.fence === fence
  },
  async releaseLease(_session, _name, { fence }) {
    statement('releaseLease')
    if (graph.lease?.fence === fence) graph.lease = undefined
  },
})
