import { z } from 'zod'
import { defineCommand, type Aggregate } from '../../src/commands/decider.ts'
import { TransferId, type AccountEvent } from '../../src/events/account.ts'
import { PositiveMicros } from '../../src/events/amounts.ts'
import { StreamName, type Uuid7 } from '../../src/events/identifiers.ts'

/** The size of an event's data, for the council, the peers and the limit. */
export const payloadBytes = 300

type Credited = Extract<AccountEvent, { type: 'AccountCredited' }>
export type Ledger = { balanceMicros: number; deposits: number }

export const ledger: Aggregate<Ledger, Credited> = {
  category: 'ledger',
  stateVersion: 1,
  initial: { balanceMicros: 0, deposits: 0 },
  evolve: ({ balanceMicros, deposits }, { data }) => ({
    balanceMicros: balanceMicros + data.amountMicros,
    deposits: deposits + 1,
  }),
}

const fields = {
  ledger: StreamName,
  transferId: TransferId,
  amountMicros: PositiveMicros,
  reason: z.string().min(1).max(500),
}

/**
 * The measured command: one event of an existing type on one small account. It has all parts of a command about money (schema,
 * expected revision, command id, state, recorded refusals), and a peer can store the same bytes.
 */
export const Deposit = defineCommand({ ledger })({
  name: 'Deposit',
  schema: z.strictObject(fields),
  recordsRefusals: true,
  reads: (command) => ({ ledger: command.ledger }),
  decide: ({ transferId, amountMicros, reason }) => ({
    outcome: 'accepted',
    events: { ledger: [{ type: 'AccountCredited', data: { transferId, amountMicros, reason } }] },
  }),
})

type Closed = { status: 'open' | 'closed' }
const closed: Closed = { status: 'closed' }
const closing: Aggregate<Closed, Credited> = {
  category: 'closing',
  stateVersion: 1,
  initial: { status: 'open' },
  finished: closed,
  evolve: () => closed,
}

/** The same command on a stream that it finishes, to measure the memory of a finished stream. */
export const CloseAtOnce = defineCommand({ closing })({
  name: 'CloseAtOnce',
  schema: z.strictObject(fields),
  reads: (command) => ({ closing: command.ledger }),
  decide: ({ transferId, amountMicros, reason }) => ({
    outcome: 'accepted',
    events: { closing: [{ type: 'AccountCredited', data: { transferId, amountMicros, reason } }] },
  }),
})

export const amountMicros = 7

const withoutReason = JSON.stringify({ transferId: '0'.repeat(36), amountMicros, reason: '' }).length
const reason = 'for services rendered, '.repeat(20).slice(0, payloadBytes - withoutReason)

/** A command whose event has exactly `payloadBytes` of data. */
export const deposit = (stream: StreamName, transferId: Uuid7) => ({ ledger: stream, transferId, amountMicros, reason })
