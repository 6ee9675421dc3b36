import type { Account } from '../../src/commands/aggregates/account.ts'
import type { Bounty } from '../../src/commands/aggregates/bounty.ts'
import type { CommandGate } from '../../src/commands/gate/gate.ts'
import type { AppendRequest, EventLog, StoredState } from '../../src/events/log/log.ts'
import type { StreamName } from '../../src/events/identifiers.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { schemaOf } from '../../src/projections/engine/generations.ts'
import type { MemoryTables } from '../../src/projections/engine/read-model.ts'
import type { ReadModelStore } from '../../src/projections/engine/store.ts'
import { readModels } from '../../src/projections/read-models.ts'
import { memoryServer } from '../support/memory-log/memory-log.ts'
import { copyOfTables, tablesOf, type MemoryTx } from './memory-store.ts'
import type { Plant, World } from './world.ts'

type Append = EventLog['append']

/** A fault in the appends of a gate. */
const appending = (change: (append: Append, request: AppendRequest, world: World) => ReturnType<Append>): Plant => ({
  gateLog: (log, world) => ({ ...log, append: (request) => change((sent) => log.append(sent), request, world) }),
})

/** Faults of a gate, a log, a projector or a reader. The simulation must find each of them when it is planted alone. */
export const plantedFaults: Readonly<Record<string, Plant>> = {
  'the append looks up no command ids': appending((append, request, { newId }) =>
    append({ ...request, commands: request.commands.map((command) => ({ ...command, commandId: newId() })) }),
  ),

  'the append does not check the revisions of streams that it only reads': appending((append, request) =>
    append(withoutRevisions(request, (stream) => !request.events.some((event) => event.stream === stream))),
  ),

  'an overlapping append checks the revisions, but not the states': appending((append, request) =>
    append({ ...request, reads: request.reads.map(({ stream, revision }) => ({ stream, revision })) }),
  ),

  'an approval is checked before the append, and used twice': appending((append, request) =>
    append(withoutRevisions(request, (stream) => stream.startsWith('approval/'))),
  ),

  'an expiry is not checked in the append, and fires twice': appending((append, request) =>
    append(
      request.events.some(({ type }) => type.endsWith('Expired')) ? withoutRevisions(request, () => true) : request,
    ),
  ),

  'a process whose lease has passed to another one still writes': appending((append, request) =>
    append({ ...request, commands: request.commands.map(({ fence: _, ...command }) => command) }),
  ),

  'a budget is checked before the append, and not in it': appending((append, request) =>
    append(withoutRevisions(request, (stream) => stream.startsWith('budget/'))),
  ),

  'a refund computed from the request instead of the escrow': { gate: refundingTheRequest },

  'the append checks no revisions': appending((append, request) => append(withoutRevisions(request, () => true))),

  'the gate keeps its cached states after a conflict': appending(async (append, request) => {
    const result = await append(request)
    return result.result === 'conflict' ? { ...result, current: [] } : result
  }),

  'the gate takes the revisions of a conflict, but not its states': { gateLog: forgetful },

  'the gate answers before its append does': appending(async (append, request, { server, scheduler }) => {
    const rehearsal = memoryServer(scheduler.clock)
    rehearsal.become(server.moment())
    append(request).catch(() => undefined)
    return rehearsal.open().append(request)
  }),

  'the last command of a batch is written twice': appending(async (append, request, { newId }) => {
    const result = await append(request)
    if (result.result === 'appended' && request.commands.length > 1) await append(lastOf(request, newId))
    return result
  }),

  'the append adds no jobs': appending((append, request) => append({ ...request, jobs: [] })),

  'the append removes no finished jobs': appending((append, request) => append({ ...request, finishedJobs: [] })),

  'gates do not compare the log with the archive': { ignoresArchive: true },

  'the projector commits its checkpoint before the rows': { store: checkpointFirst },

  'the projector moves a checkpoint that another one has moved': {
    store: (store) => ({
      ...store,
      moveCheckpoint: async (tx, name, generation, from, to) =>
        store.moveCheckpoint(tx, name, generation, (await store.loadRegistered(tx, name)) ?? from, to),
    }),
  },

  ...Object.fromEntries(
    readModels.flatMap(({ tables }) => tables).map((table) => [`a commit loses the rows of ${table}`, losing(table)]),
  ),

  'the reader repeats a page after a restore': {
    readerLog: (log, world) => following(log, world, (page, before) => [before, page]),
  },

  'the reader skips a page after a restore': { readerLog: (log, world) => following(log, world, () => []) },

  'the projector skips a page after a restore': { projectorLog: (log, world) => following(log, world, () => []) },
}

const withoutRevisions = (request: AppendRequest, applies: (stream: StreamName) => boolean): AppendRequest => ({
  ...request,
  reads: request.reads.map((read) => (applies(read.stream) ? { stream: read.stream, revision: 'any' } : read)),
})

/** An append that repeats the last command of a batch under another id. */
function lastOf({ commands, events }: AppendRequest, newId: World['newId']): AppendRequest {
  const command = commands.at(-1)
  const own = command ? events.slice(events.length - command.events) : []
  const streams = [...new Set(own.map(({ stream }) => stream))]
  return {
    commands: command ? [{ ...command, commandId: newId() }] : [],
    reads: streams.map((stream) => ({ stream, revision: 'any' })),
    events: own,
    states: [],
    jobs: [],
    finishedJobs: [],
  }
}

/** A gate whose bounties return what was promised when they were opened, whatever their escrow holds. */
function refundingTheRequest(gate: CommandGate): CommandGate {
  return {
    ...gate,
    execute(definition, input, context) {
      const decide: typeof definition.decide = (command, states, deciding) =>
        definition.decide(command, { ...states, ...asPromised(states) }, deciding)
      return gate.execute({ ...definition, decide }, input, context)
    },
  }
}

/** The escrow with the reward and the bonus of its bounty. */
function asPromised({ bounty, escrow }: { bounty?: unknown; escrow?: unknown }): { escrow?: Account } {
  const [state, held] = [bounty as Bounty | undefined, escrow as Account | undefined]
  if (!state || !('offer' in state) || !held || held.status === 'absent') return {}
  return { escrow: { ...held, balanceMicros: state.offer.rewardMicros + state.offer.bonusMicros } }
}

/** A log that answers a conflict with the states that the gate has already loaded. */
function forgetful(log: EventLog): EventLog {
  const told = new Map<StreamName, StoredState>()
  const tell = (states: readonly StoredState[]) => {
    for (const state of states) told.set(state.stream, state)
  }
  return {
    ...log,
    async loadStates(streams) {
      const states = await log.loadStates(streams)
      tell(states)
      return states
    },
    async append(request) {
      const result = await log.append(request)
      if (result.result !== 'conflict') return result
      const current = result.current.map((state): StoredState => {
        const before = told.get(state.stream)
        return state.status === 'live' && before?.status === 'live' ? { ...state, state: before.state } : state
      })
      return { ...result, current }
    },
  }
}

/** A store that commits a checkpoint in one transaction and its rows in the next. */
function checkpointFirst(store: ReadModelStore<MemoryTx>): ReadModelStore<MemoryTx> {
  const rows = new Map<MemoryTx, { schema: string; after: MemoryTables }>()
  return {
    ...store,
    async moveCheckpoint(tx, name, generation, from, to) {
      const moved = await store.moveCheckpoint(tx, name, generation, from, to)
      if (moved) rows.set(tx, { schema: `${name}_${generation}`, after: tablesOf(tx, `${name}_${generation}`) })
      return moved
    },
    async transaction(work) {
      let later: { schema: string; after: MemoryTables } | undefined
      const result = await store.transaction(async (tx) => {
        const before = structuredClone(tx.draft.schemas)
        const done = await work(tx)
        later = rows.get(tx)
        if (later) tx.draft.schemas = before
        return done
      })
      const { schema, after } = later ?? {}
      if (schema !== undefined && after)
        await store.transaction(async (tx) => {
          const tables = tablesOf(tx, schema)
          for (const [name, table] of copyOfTables(after)) tables.set(name, table)
        })
      return result
    },
  }
}

/** A store that loses the rows of a table when a checkpoint moves. */
function losing(table: string): Plant {
  return {
    store: (store) => ({
      ...store,
      moveCheckpoint(tx, name, generation, from, to) {
        tablesOf(tx, schemaOf(name, generation)).get(table)?.clear()
        return store.moveCheckpoint(tx, name, generation, from, to)
      },
    }),
  }
}

/** A log that replaces the first page after each reset. */
const following = (
  log: EventLog,
  { logResets }: World,
  instead: (page: AnyRecordedEvent[], before: AnyRecordedEvent[]) => AnyRecordedEvent[][],
): EventLog => ({
  ...log,
  async *follow(after, signal) {
    let seen = logResets()
    let before: AnyRecordedEvent[] = []
    for await (const page of log.follow(after, signal)) {
      const pages = seen === logResets() ? [page] : instead(page, before)
      seen = logResets()
      yield* pages
      before = page
    }
  },
})
