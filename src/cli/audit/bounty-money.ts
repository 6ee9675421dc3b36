import { isAccountEvent, type AccountEvent } from '../../events/account.ts'
import { escrowOf } from '../../events/bounty.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { Uuid7, type Position } from '../../events/identifiers.ts'
import type { BountyRow } from '../../projections/bounties.ts'
import { CliError } from '../failure.ts'

type Movement = RecordedEvent<Extract<AccountEvent, { type: 'AccountCredited' | 'AccountDebited' }>>

export const isMovement = (event: RecordedEvent): event is Movement =>
  isAccountEvent(event) && (event.type === 'AccountCredited' || event.type === 'AccountDebited')

/** What an escrow received, paid and returned, and what is left on it, with the events behind each figure. */
export type EscrowMoney = {
  receivedMicros: number
  paidMicros: number
  refundedMicros: number
  leftMicros: number
  positions: { received: Position[]; paid: Position[]; refunded: Position[] }
}

/** The money of a bounty, from the movements of its escrow. */
export function moneyOf(bountyId: string, movements: readonly Movement[]): EscrowMoney {
  const stream = `account/${escrowOf(Uuid7.parse(bountyId))}`
  const own = movements.filter((event) => event.stream === stream)
  const credits = own.filter(({ type }) => type === 'AccountCredited')
  const debits = own.filter(({ type }) => type === 'AccountDebited')
  const awards = debits.filter(({ data }) => data.transferId === `award:${bountyId}`)
  const refunds = debits.filter((event) => !awards.includes(event))
  const [receivedMicros, paidMicros, refundedMicros] = [sum(credits), sum(awards), sum(refunds)]
  return {
    receivedMicros,
    paidMicros,
    refundedMicros,
    leftMicros: receivedMicros - paidMicros - refundedMicros,
    positions: { received: positions(credits), paid: positions(awards), refunded: positions(refunds) },
  }
}

const sum = (events: readonly Movement[]): number => events.reduce((total, { data }) => total + data.amountMicros, 0)
const positions = (events: readonly Movement[]): Position[] => events.map(({ position }) => position)

/**
 * Throws CliError `escrow_differs` if the movements of the escrow are not what the events of the bounty say, or if the escrow of a
 * finished bounty is not empty.
 */
export function assertAccounted(row: BountyRow, money: EscrowMoney): void {
  const { bounty_id: bountyId, last_position: at } = row
  const differs = (why: string) => new CliError('escrow_differs', `the escrow of ${bountyId} ${why}, at ${at}`)
  if (money.paidMicros !== row.paid_micros)
    throw differs(`paid ${money.paidMicros} µ$, and the bounty says ${row.paid_micros} µ$`)
  if (row.refunded_micros === null) return
  if (money.refundedMicros !== row.refunded_micros)
    throw differs(`returned ${money.refundedMicros} µ$, and the bounty says ${row.refunded_micros} µ$`)
  if (money.leftMicros !== 0) throw differs(`still has ${money.leftMicros} µ$, although the bounty has ended`)
}
