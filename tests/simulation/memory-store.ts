import type { Registered } from '../../src/projections/engine/checkpoint.ts'
import type { LeaseHolder } from '../../src/projections/engine/lease-rows.ts'
import { schemaOf } from '../../src/projections/engine/generations.ts'
import type { MemoryTables } from '../../src/projections/engine/read-model.ts'
import type { ReadModelStore } from '../../src/projections/engine/store.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import type { FaultRates } from './fault-rates.ts'

type Lease = LeaseHolder & { version: number; generation: number; touchedAtMs: number }

type Contents = {
  registry: Map<string, Registered>
  /** By schema, as `schemaOf` names it. */
  schemas: Map<string, { name: string; generation: number; tables: MemoryTables }>
  leases: Map<string, Lease>
}

/** A transaction: a private copy of the database, which the commit publishes. */
export type MemoryTx = { owner: Owner; draft: Contents; statement: (what: string) => Promise<void> }

/** A database that runs one transaction at a time, like the embedded Postgres. */
export type MemoryDatabase = {
  connect: (owner: Owner) => ReadModelStore<MemoryTx>
  /** The tables of a projection that queries read, and its registry entry. */
  served: (name: string) => { registered: Registered; tables: MemoryTables } | undefined
  /** Generations that do not serve, and whether a rebuild has leased them. The next rebuild removes them. */
  others: (name: string) => { generation: number; isLeased: boolean }[]
  /** Whether a rebuild holds a lease on the generation that serves. */
  isServedLeased: (name: string) => boolean
}

const copyOf = ({ registry, schemas, leases }: Contents): Contents => ({
  registry: new Map(registry),
  schemas: new Map([...schemas].map(([name, schema]) => [name, { ...schema, tables: copyOfTables(schema.tables) }])),
  leases: new Map(leases),
})

/** A copy of tables. They share their rows, which never change. */
export const copyOfTables = (tables: MemoryTables): MemoryTables =>
  new Map([...tables].map(([name, rows]) => [name, new Map(rows)]))

/** An error with a code of PostgreSQL. */
class DatabaseError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
const connectionLost = (when: string) => new DatabaseError('08006', `the connection broke ${when}`)

export function memoryDatabase(scheduler: Scheduler, random: Random, faultRates: () => FaultRates): MemoryDatabase {
  const { step, clock } = scheduler
  let contents: Contents = { registry: new Map(), schemas: new Map(), leases: new Map() }
  let turn: Promise<unknown> = Promise.resolve()

  async function transaction<Result>(owner: Owner, work: (tx: MemoryTx) => Promise<Result>): Promise<Result> {
    await step(owner, 'begin')
    const before = turn
    const end = Promise.withResolvers<undefined>()
    // A transaction ends at the latest with its process.
    turn = before.then(() => Promise.race([end.promise, owner.died]))
    await before
    try {
      const tx: MemoryTx = { owner, draft: copyOf(contents), statement: (what) => statement(owner, what) }
      const result = await work(tx)
      await commit(owner, tx.draft)
      return result
    } finally {
      end.resolve(undefined)
    }
  }

  async function statement(owner: Owner, what: string): Promise<void> {
    await step(owner, what)
    if (random.happens(faultRates().statementFails)) throw connectionLost(`in ${what}`)
  }

  async function commit(owner: Owner, draft: Contents): Promise<void> {
    await step(owner, 'commit')
    if (random.happens(faultRates().commitLost)) throw connectionLost('before the commit')
    contents = draft
    await step(owner, 'committed')
    if (random.happens(faultRates().commitLost)) throw connectionLost('after the commit')
  }

  return {
    connect: (owner) => ({
      ...statements(() => clock.nowMs()),
      transaction: (work) => transaction(owner, work),
      migrate: () => statement(owner, 'migrate'),
    }),
    served(name) {
      const registered = contents.registry.get(name)
      const schema = registered && contents.schemas.get(schemaOf(name, registered.generation))
      return registered && schema && { registered, tables: schema.tables }
    },
    others: (name) =>
      [...contents.schemas.values()]
        .filter((schema) => schema.name === name && schema.generation !== contents.registry.get(name)?.generation)
        .map(({ generation }) => ({ generation, isLeased: contents.leases.get(name)?.generation === generation })),
    isServedLeased: (name) => contents.leases.get(name)?.generation === contents.registry.get(name)?.generation,
  }
}

export function tablesOf({ draft }: MemoryTx, schema: string): MemoryTables {
  const found = draft.schemas.get(schema)
  if (!found) throw new DatabaseError('3F000', `there is no schema ${schema}`)
  return found.tables
}

/** The counterparts of the SQL in postgres-store.ts. */
function statements(nowMs: () => number): Omit<ReadModelStore<MemoryTx>, 'transaction' | 'migrate'> {
  return {
    async loadRegistered(tx, name) {
      await tx.statement('load the checkpoint')
      return tx.draft.registry.get(name)
    },
    async moveCheckpoint(tx, name, generation, from, to) {
      await tx.statement('move the checkpoint')
      const registered = tx.draft.registry.get(name)
      if (registered?.generation !== generation || registered.position !== from.position) return false
      tx.draft.registry.set(name, { ...registered, ...to })
      return true
    },
    async register(tx, name, registered) {
      await tx.statement('register')
      tx.draft.registry.set(name, registered)
    },
    async generationsOf({ draft }, name) {
      return [...draft.schemas.values()].filter((schema) => schema.name === name).map(({ generation }) => generation)
    },
    async createGeneration(tx, projection, generation) {
      await tx.statement('create a generation')
      tx.draft.schemas.set(schemaOf(projection.name, generation), {
        name: projection.name,
        generation,
        tables: new Map(),
      })
    },
    async dropOtherGenerations(tx, name, serving) {
      await tx.statement('drop other generations')
      for (const [schema, { name: of, generation }] of tx.draft.schemas)
        if (of === name && generation !== serving) tx.draft.schemas.delete(schema)
    },
    serveGeneration: async (tx) => tx.statement('serve a generation'),
    limitWaiting: async () => undefined,
    async loadHolder({ draft }, name) {
      return draft.leases.get(name)
    },
    async takeLease(tx, { name, ...lease }, over, leaseSeconds) {
      await tx.statement('take the lease')
      const holder = tx.draft.leases.get(name)
      if (holder && holder.fence !== over && holder.touchedAtMs >= nowMs() - leaseSeconds * 1000) return false
      tx.draft.leases.set(name, { ...lease, generation: 0, touchedAtMs: nowMs() })
      return true
    },
    async nameGeneration({ draft }, name, generation) {
      const lease = draft.leases.get(name)
      if (lease) draft.leases.set(name, { ...lease, generation })
    },
    async renewLease(tx, name, { fence }) {
      await tx.statement('renew the lease')
      const lease = tx.draft.leases.get(name)
      if (lease?.fence !== fence) return false
      tx.draft.leases.set(name, { ...lease, touchedAtMs: nowMs() })
      return true
    },
    async releaseLease({ draft }, name, { fence }) {
      if (draft.leases.get(name)?.fence === fence) draft.leases.delete(name)
    },
  }
}
