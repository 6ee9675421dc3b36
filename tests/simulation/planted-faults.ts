import type { AppendRequest, EventLog, StoredState } from '../../src/events/log/log.ts'
import type { StreamName } from '../../src/events/identifiers.ts'
import type { RecordedEvent } from '../../src/events/event.ts'
import type { ReadModelStore } from '../../src/projections/engine/store.ts'
import { memoryServer } from '../support/memory-log/memory-log.ts'
import { tableOf, type MemoryTx, type Table } from './memory-store.ts'
import type { Plant, World } from './world.ts'

type Append = EventLog['append']

/** A log whose appends are something else. */
const appending = (change: (append: Append, request: AppendRequest, world: World) => ReturnType<Append>): Plant => ({
  gateLog: (log, world) => ({ ...log, append: (request) => change((sent) => log.append(sent), request, world) }),
})

/** Faults of a gate, a log, a projector or a reader, each as if the code had it: one at a time it must be found. */
export const plantedFaults: Readonly<Record<string, Plant>> = {
  'command ids are not looked up': appending((append, request, { newId }) =>
    append({ ...request, commands: request.commands.map((command) => ({ ...command, commandId: newId() })) }),
  ),

  'revisions of what was only read are not checked': appending((append, request) =>
    append(withoutRevisions(request, (stream) => !request.events.some((event) => event.stream === stream))),
  ),

  'of what an append in flight writes only the revision is checked': appending((append, request) =>
    append({ ...request, reads: request.reads.map(({ stream, revision }) => ({ stream, revision })) }),
  ),

  'no revisions are checked': appending((append, request) => append(withoutRevisions(request, () => true))),

  'the cache keeps its states after a conflict': appending(async (append, request) => {
    const result = await append(request)
    return result.result === 'conflict' ? { ...result, current: [] } : result
  }),

  'the cache takes the revisions of a conflict, but not its states': { gateLog: forgetful },

  'commands are settled before the append has answered': appending(async (append, request, { server, scheduler }) => {
    const rehearsal = memoryServer(scheduler.clock)
    rehearsal.become(server.moment())
    append(request).catch(() => undefined)
    return rehearsal.open().append(request)
  }),

  'a part of a batch is written twice': appending(async (append, request, { newId }) => {
    const result = await append(request)
    if (result.result === 'appended' && request.commands.length > 1) await append(lastOf(request, newId))
    return result
  }),

  'jobs are lost': appending((append, request) => append({ ...request, jobs: [] })),

  'finished jobs stay': appending((append, request) => append({ ...request, finishedJobs: [] })),

  'nobody looks whether the log came back whole': { looksAway: true },

  'the checkpoint is committed before the rows': { store: checkpointFirst },

  'the checkpoint is moved whoever has moved it before': {
    store: (store) => ({
      ...store,
      moveCheckpoint: async (tx, name, generation, from, to) =>
        store.moveCheckpoint(tx, name, generation, (await store.loadRegistered(tx, name)) ?? from, to),
    }),
  },

  'the reader goes back too far after a restore': {
    readerLog: (log, world) => following(log, world, (page, before) => [before, page]),
  },

  'the reader goes on at the head after a restore': { readerLog: (log, world) => following(log, world, () => []) },

  'the projector goes on at the head after a restore': {
    projectorLog: (log, world) => following(log, world, () => []),
  },
}

const withoutRevisions = (request: AppendRequest, applies: (stream: StreamName) => boolean): AppendRequest => ({
  ...request,
  reads: request.reads.map((read) => (applies(read.stream) ? { stream: read.stream, revision: 'any' } : read)),
})

/** The last command of a batch once more, under another id. */
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

/** A log that answers a conflict with the states that this gate has been told before. */
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

/** A store that commits a checkpoint in one transaction, and the rows that belong to it in the next. */
function checkpointFirst(store: ReadModelStore<MemoryTx>): ReadModelStore<MemoryTx> {
  const rows = new Map<MemoryTx, { schema: string; after: Table }>()
  return {
    ...store,
    async moveCheckpoint(tx, name, generation, from, to) {
      const moved = await store.moveCheckpoint(tx, name, generation, from, to)
      if (moved) rows.set(tx, { schema: `${name}_${generation}`, after: tableOf(tx, `${name}_${generation}`) })
      return moved
    },
    async transaction(work) {
      let later: { schema: string; after: Table } | undefined
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
          const table = tableOf(tx, schema)
          for (const [key, row] of after) table.set(key, row)
        })
      return result
    },
  }
}

/** A log that hands over something else than the page that comes first after the log has come back. */
const following = (
  log: EventLog,
  { comebacks }: World,
  instead: (page: RecordedEvent[], before: RecordedEvent[]) => RecordedEvent[][],
): EventLog => ({
  ...log,
  async *follow(after, signal) {
    let seen = comebacks()
    let before: RecordedEvent[] = []
    for await (const page of log.follow(after, signal)) {
      const pages = seen === comebacks() ? [page] : instead(page, before)
      seen = comebacks()
      yield* pages
      before = page
    }
  },
})
