import { uuid7TimeMs, type Position } from '../../../src/events/identifiers.ts'
import { commandWindowMs, type KnownLog } from '../../../src/events/log/append.ts'
import { commandField, parseCommand } from '../../../src/events/log/command-ids.ts'
import type { Job } from '../../../src/events/log/jobs.ts'
import type { EventLog } from '../../../src/events/log/log.ts'
import type { Clock } from '../../../src/platform/clock.ts'
import { appendTo, keys, storedState } from './append.ts'
import { copyOf, emptyLog, fieldOf, type Held } from './held.ts'
import { between, read } from './read.ts'

/** What a log was at some moment. */
export type Moment = { sequence: number; held: Held }

/** A Redis with one council's log, in memory: what append.lua and the readers promise, without a server. MACs are not made. */
export type MemoryServer = {
  /** The log as one process has it open, which knows how far it has written itself. */
  open: () => EventLog
  sequence: () => number
  jobs: () => readonly Job[]
  moment: () => Moment
  /** A Redis that came back with less, or that was restored. */
  become: (moment: Moment) => void
  /** Another log in its place, or one that an append has half written. */
  replace: (incarnation: string) => void
  halt: (why: string) => void
}

export function memoryServer(clock: Clock, { pageSize = 1000, incarnation = 'memory' } = {}): MemoryServer {
  let held = emptyLog(incarnation)
  let grown = Promise.withResolvers<undefined>()
  const wake = () => {
    grown.resolve(undefined)
    grown = Promise.withResolvers()
  }
  return {
    open: () => openLog({ held: () => held, grown: () => grown.promise, wake, clock, pageSize }, { incarnation: held.incarnation, sequence: 0 }),
    sequence: () => held.sequence,
    jobs: () => held.work,
    moment: () => ({ sequence: held.sequence, held: copyOf(held) }),
    become(moment) {
      held = copyOf(moment.held)
      wake()
    },
    replace: (other) => void (held.incarnation = other),
    halt: (why) => void (held.halted = why),
  }
}

type Server = { held: () => Held; grown: () => Promise<undefined>; wake: () => void; clock: Clock; pageSize: number }

function openLog({ held, grown, wake, clock, pageSize }: Server, known: KnownLog): EventLog {
  return {
    async append(request) {
      const result = appendTo(held(), known, clock.nowMs(), request)
      if (result.result === 'appended') {
        known.sequence = Math.max(known.sequence, result.firstSequence + result.positions.length - 1)
        wake()
      }
      return result
    },

    loadStates: async (streams) => streams.map((stream) => storedState(held(), stream, clock.nowMs())),
    read: (options) => read(held, pageSize, options),

    async *follow(after, signal) {
      let last = after
      while (!signal.aborted) {
        const found = between(held(), last).slice(0, pageSize)
        const newest = found.at(-1)
        if (!newest) {
          await grownOrAborted(grown(), signal)
          continue
        }
        last = newest.stored.position
        yield found.map((entry) => entry.read())
      }
    },

    head: async () => held().entries.at(-1)?.stored.position ?? ('0-0' as Position),

    async findCommand(principal, commandId) {
      const stored = fieldOf(held(), keys.commands(uuid7TimeMs(commandId)), commandField(principal, commandId), clock.nowMs())
      return stored === undefined ? null : parseCommand(stored)
    },

    async commandIdFor(principal, key, newId) {
      const nowMs = clock.nowMs()
      const name = keys.callersKey(principal, key)
      const remembered = held().callersKeys.get(name)
      if (remembered && remembered.expiresAtMs > nowMs) return remembered.commandId
      const commandId = newId()
      held().callersKeys.set(name, { commandId, expiresAtMs: nowMs + commandWindowMs })
      return commandId
    },
  }
}

function grownOrAborted(grown: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const aborted = Promise.withResolvers<undefined>()
  const abort = () => aborted.resolve(undefined)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([grown, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
}
