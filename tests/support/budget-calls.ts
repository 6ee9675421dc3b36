import type { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { newId } from './council.ts'

type Reservation = ReturnType<typeof ReserveBudget.schema.parse>

/** The fields of `ReserveBudget` for a model call of a prompt's first attempt, with defaults. */
export const reservationFor = (
  requestId: Uuid7,
  { callId = newId(), amountMicros = 500, ...part }: Partial<Reservation & Reservation['calls'][number]> = {},
): Reservation => ({
  scope: 'council',
  day: '2026-11-25',
  requestId,
  attempt: 1,
  calls: [{ callId, phase: 'respond', member: 'council', model: 'scripted', amountMicros }],
  expiresAt: '2026-11-25T12:15:00.000Z',
  ...part,
})
