import { z } from 'zod'
import { accountStream } from '../../events/account.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { account } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { Payer } from './payer.ts'
import { refused } from '../refusals.ts'

/** Releases an unused reservation. Allowed on a frozen account, because no money moves. */
export const ReleaseReservation = defineCommand({ account })({
  name: 'ReleaseReservation',
  schema: z.strictObject({ account: Payer, reservationId: Uuid7 }),
  recordsRefusals: true,
  stake: () => ({ costMicros: 0, risk: 'low' }),
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId, reservationId }, states) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    const reservation = states.account.reservations[reservationId]
    if (!reservation) return refused('reservation_not_open', { account: accountId, reservationId })
    const { amountMicros } = reservation
    return {
      outcome: 'accepted',
      events: { account: [{ type: 'ReservationReleased', data: { reservationId, amountMicros } }] },
    }
  },
})
