import { createGate, type CommandGate } from '../../src/commands/gate/gate.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { beginning, Uuid7, type Position, type StreamName } from '../../src/events/identifiers.ts'
import type { KnownLog } from '../../src/events/log/append/append.ts'
import type { ArchiveCheckpoint } from '../../src/events/log/archive/archive.ts'
import { archivedAppends } from '../../src/events/log/archive/archived-appends.ts'
import { chainStart } from '../../src/events/log/archive/chain.ts'
import { archiveProgress } from '../../src/events/log/archive/progress.ts'
import type { EventLog } from '../../src/events/log/log.ts'
import { startTail, type LogTail } from '../../src/events/log/read/tail.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { sharedFollow } from '../../src/projections/engine/shared-follow.ts'
import { runSubscription, type Subscription } from '../../src/projections/engine/subscription.ts'
import type { ReadModelStore } from '../../src/projections/engine/store.ts'
import { memoryServer, type MemoryServer, type Moment } from '../support/memory-log/memory-log.ts'
import { memoryDatabase, type MemoryDatabase, type MemoryTx } from './memory-store.ts'
import { createNetwork } from './network.ts'
import { randomFrom, type Random } from './random.ts'
import { projectionsOf } from './read-models.ts'
import { createScheduler, type Owner, type Scheduler } from './scheduler.ts'
import { noFaults, faultRatesOf, type FaultRates } from './fault-rates.ts'

/** A fault to plant in a run, as a wrapper around a dependency of the code under test. */
export type Plant = {
  gate?: (gate: CommandGate) => CommandGate
  gateLog?: (log: EventLog, world: World) => EventLog
  projectorLog?: (log: EventLog, world: World) => EventLog
  readerLog?: (log: EventLog, world: World) => EventLog
  store?: (store: ReadModelStore<MemoryTx>, database: MemoryDatabase) => ReadModelStore<MemoryTx>
  /** Gates do not compare the log with the archive before they write. */
  ignoresArchive?: true
}

const sound = (gate: CommandGate): CommandGate => gate

export type GateProcess = { owner: Owner; gate: CommandGate }
export type ProjectorProcess = { owner: Owner; version: number; subscriptions: Subscription<MemoryTx>[] }

/** The parts of one run, and the functions that start and end its processes. */
export type World = {
  random: Random
  scheduler: Scheduler
  server: MemoryServer
  database: MemoryDatabase
  newId: () => Uuid7
  /** Returns a number that rises with every call, and so orders what happens in a run. */
  tick: () => number
  /** The tick at which the log took each event; the first event has index 0. */
  takenAt: number[]
  /** The newest token of the clock's lease when the log took each event. */
  tokenAt: number[]
  /** The violations that were found during the run, as text. */
  violations: string[]
  gates: GateProcess[]
  projectors: ProjectorProcess[]
  /** The events that the reader of the log has received, across its restarts. */
  seen: AnyRecordedEvent[]
  /** Adds a stream to those that the reader listens to. */
  watch: (stream: StreamName) => void
  /** Opens the log as one process, over the network. */
  openLog: (owner: Owner) => EventLog
  startGate: (slot: number) => void
  startProjector: (version: number) => void
  startReader: () => void
  killReader: () => void
  /** Resets the log to a moment: an earlier one than the archive's, or (null) the one that the archive has. */
  resetLog: (moment: Moment, archived: Moment | null) => void
  logResets: () => number
  faultRates: () => FaultRates
  /** From now on no fault occurs. */
  stopFaults: () => void
}

/** Ten minutes before midnight, so that some runs cross it. */
const startMs = Date.parse('2026-11-23T23:50:00.000Z')
const pageSize = 7

export function createWorld(seed: number, note: (line: string) => void, plant: Plant = {}): World {
  const random = randomFrom(seed)
  const scheduler = createScheduler(random, startMs, note)
  let faultRates = faultRatesOf(random)
  // With a small minimum, appends overlap often.
  const minPipelined = random.pick([1, 2, 32])
  let archived: Moment | null = null
  let logResets = 0
  let ticks = 0
  const server = memoryServer(scheduler.clock, { pageSize })
  const network = createNetwork({ scheduler, random, faultRates: () => faultRates, served })
  const database = memoryDatabase(scheduler, random, () => faultRates)
  const newId = () => uuid7From(scheduler.clock.nowMs(), random)
  const streams = new Set<StreamName>()
  let reader: { owner: Owner; tail: LogTail } | undefined

  const world: World = {
    random,
    scheduler,
    server,
    database,
    newId,
    tick: () => ++ticks,
    takenAt: [],
    tokenAt: [],
    violations: [],
    gates: [],
    projectors: [],
    seen: [],

    openLog: (owner) => server.open(network.link(owner)),

    startGate(slot) {
      const owner = scheduler.newOwner(`gate ${slot}`)
      const log = plant.ignoresArchive ? server.open(network.link(owner)) : archivedLog(owner)
      const pause = (ms: number) => scheduler.step(owner, 'pauses', ms)
      world.gates[slot] = {
        owner,
        gate: (plant.gate ?? sound)(
          createGate({
            log: plant.gateLog?.(log, world) ?? log,
            clock: scheduler.clock,
            newId,
            pause,
            logger: silentLogger,
            minPipelined,
          }),
        ),
      }
    },

    startProjector(version) {
      const owner = scheduler.newOwner(`projector v${version}`)
      const log = repeating(server.open(network.link(owner)), () => random.happens(faultRates.pageAgain))
      const store = database.connect(owner)
      const mayFail = () => {
        if (random.happens(faultRates.applyFails)) throw new Error('a statement of the projection failed')
      }
      const isAlive = (pid: number) => world.projectors.some((other) => other.owner.pid === pid && other.owner.alive)
      const dependencies = {
        log: sharedFollow(plant.projectorLog?.(log, world) ?? log),
        store: plant.store?.(store, database) ?? store,
        rebuilder: { host: 'here', pid: owner.pid, isAlive, newFence: newId },
        elapsedMs: scheduler.clock.nowMs,
        logger: silentLogger,
        pause: (ms: number) => scheduler.step(owner, 'pauses', ms),
      }
      const subscriptions = projectionsOf(version, mayFail).map((projection): Subscription<MemoryTx> => {
        const notify = () => {
          if (subscription.state === 'stopped' && !isExpectedStop(subscription))
            world.violations.push(`${projection.name} stopped: ${subscription.fault?.message}`)
        }
        const subscription: Subscription<MemoryTx> = {
          projection,
          checkpoint: undefined,
          state: 'waiting',
          fault: undefined,
          notify,
        }
        return subscription
      })
      world.projectors.push({ owner, version, subscriptions })
      for (const subscription of subscriptions)
        void runSubscription(dependencies, subscription, new AbortController().signal)
    },

    startReader() {
      const owner = scheduler.newOwner('reader')
      const log = server.open(network.link(owner))
      const from: Position = world.seen.at(-1)?.position ?? beginning
      reader = { owner, tail: startTail(plant.readerLog?.(log, world) ?? log, from) }
      for (const stream of streams) listen(stream)
    },

    killReader: () => reader?.owner.kill(),

    watch(stream) {
      if (streams.has(stream)) return
      streams.add(stream)
      listen(stream)
    },

    resetLog(moment, archive) {
      archived = archive
      logResets++
      network.cut()
      server.become(moment)
    },
    logResets: () => logResets,

    faultRates: () => faultRates,
    stopFaults: () => void (faultRates = noFaults()),
  }
  return world

  function served(): void {
    while (world.takenAt.length < server.sequence()) {
      world.takenAt.push(world.tick())
      world.tokenAt.push(server.fence())
    }
  }

  /** The log of a gate that compares it with the archive before it writes. The archive never lags. */
  function archivedLog(owner: Owner): EventLog {
    const [councilId, incarnation] = ['main', 'memory']
    const known: KnownLog = { incarnation, sequence: 0 }
    const checkpoint = async (): Promise<ArchiveCheckpoint> => {
      await scheduler.step(owner, 'reads the archive')
      const { sequence, held } = archived ?? server.moment()
      const trimmed = { sequence: 0, position: beginning }
      return {
        councilId,
        incarnation,
        sequence,
        position: held.lastPosition,
        chainHead: chainStart({ councilId, incarnation }),
        trimmed,
      }
    }
    const archive = { checkpoint }
    return archivedAppends(server.open(network.link(owner), known), {
      redis: network.connections,
      known,
      archive,
      progress: archiveProgress(archive),
      durability: 'fsync',
    })
  }

  /** Whether the faults of the run explain the stop: a statement that failed twice, lost events, or a newer release. */
  function isExpectedStop({ fault, projection }: Subscription<MemoryTx>): boolean {
    if (fault?.code === 'poison_event') return faultRates.applyFails > 0
    if (fault?.code === 'checkpoint_not_in_log') return logResets > 0
    return (
      fault?.code === 'projection_of_newer_program' &&
      world.projectors.some(({ version }) => version > projection.version)
    )
  }

  function listen(stream: StreamName): void {
    const by = reader
    by?.tail.listen(stream, (event) => {
      if (by.owner.alive) world.seen.push(event)
    })
  }
}

/** A log that delivers some pages twice. */
const repeating = (log: EventLog, happens: () => boolean): EventLog => ({
  ...log,
  async *follow(after, signal) {
    for await (const page of log.follow(after, signal)) {
      yield page
      if (happens()) yield page
    }
  },
})

function uuid7From(ms: number, random: Random): Uuid7 {
  const hex = (digits: number, value: number) => value.toString(16).padStart(digits, '0')
  const time = hex(12, ms)
  const part = () => hex(6, random.below(2 ** 24))
  return Uuid7.parse(
    `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3, random.below(4096))}-8${hex(3, random.below(4096))}-${part()}${part()}`,
  )
}
