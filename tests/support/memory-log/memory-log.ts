import { commandWindowMs, beginning, uuid7TimeMs } from '../../../src/events/identifiers.ts'
import { type KnownLog } from '../../../src/events/log/append/append.ts'
import { commandField, parseCommand } from '../../../src/events/log/append/command-ids.ts'
import { compareDeadlines } from '../../../src/events/log/clock/read-deadlines.ts'
import type { Job } from '../../../src/events/log/jobs/job-queue.ts'
import type { EventLog } from '../../../src/events/log/log.ts'
import type { Clock } from '../../../src/platform/clock.ts'
import { appendTo, keys, storedState } from './append.ts'
import { holdLease } from './hold-lease.ts'
import { copyOf, emptyLog, fieldOf, type Held } from './held.ts'
import { follow, read, type Link } from './read.ts'

/** The state of a log at some moment. */
export type Moment = { sequence: number; held: Held }

const direct: Link = async (_, serve) => serve()

/** A log with the contract of append.lua and the readers, in memory and without MACs. */
export type MemoryServer = {
  /** Opens the log as one process, with its own known sequence. */
  open: (link?: Link, known?: KnownLog) => EventLog
  sequence: () => number
  /** The newest token of the lease. */
  fence: () => number
  jobs: () => readonly Job[]
  moment: () => Moment
  /** Returns to an earlier state, as a Redis that lost its tail or was restored. */
  become: (moment: Moment) => void
  /** Replaces the incarnation, as if Redis held another log. */
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
    open: (link = direct, known = { incarnation: held.incarnation, sequence: 0 }) =>
      openLog({ held: () => held, grown: () => grown.promise, wake, clock, pageSize, link }, known),
    sequence: () => held.sequence,
    fence: () => held.fence,
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

type Server = {
  held: () => Held
  grown: () => Promise<undefined>
  wake: () => void
  clock: Clock
  pageSize: number
  link: Link
}

function openLog({ held, grown, wake, clock, pageSize, link }: Server, known: KnownLog): EventLog {
  return {
    async append(request) {
      const sent = { ...known }
      const result = await link('append', () => {
        const outcome = appendTo(held(), sent, clock.nowMs(), request)
        if (outcome.result === 'appended') wake()
        return outcome
      })
      if (result.result === 'appended')
        known.sequence = Math.max(known.sequence, result.firstSequence + result.positions.length - 1)
      return result
    },

    correctDeadline: ({ stream, revision, deadlineMs }) =>
      link('lease', () => {
        const { states, deadlines } = held()
        if (Number.parseInt(states.get(stream) ?? '0', 10) !== revision) return
        if (deadlineMs === null) deadlines.delete(stream)
        else deadlines.set(stream, deadlineMs)
      }),

    holdLease: (request) => link('lease', () => holdLease(held(), known, clock.nowMs(), request)),

    loadStates: (streams) => link('states', () => streams.map((stream) => storedState(held(), stream, clock.nowMs()))),
    deadlines: ({ after, limit }) =>
      link('deadlines', () =>
        [...held().deadlines]
          .map(([stream, atMs]) => ({ stream, atMs }))
          .filter((deadline) => !after || compareDeadlines(deadline, after) > 0)
          .toSorted(compareDeadlines)
          .slice(0, limit),
      ),
    read: (options) => read(held, pageSize, link, options),
    follow: (after, signal) => follow({ held, grown, pageSize, link }, after, signal),
    head: () => link('head', () => held().entries.at(-1)?.stored.position ?? beginning),

    findCommand: (principal, commandId) =>
      link('command', () => {
        const stored = fieldOf(
          held(),
          keys.commands(uuid7TimeMs(commandId)),
          commandField(principal, commandId),
          clock.nowMs(),
        )
        return stored === undefined ? null : parseCommand(stored)
      }),

    commandIdFor: (principal, key, newId) =>
      link('key', () => {
        const nowMs = clock.nowMs()
        const name = keys.callersKey(principal, key)
        const remembered = held().callersKeys.get(name)
        if (remembered && remembered.expiresAtMs > nowMs) return remembered.commandId
        const commandId = newId()
        held().callersKeys.set(name, { commandId, expiresAtMs: nowMs + commandWindowMs })
        return commandId
      }),
  }
}
