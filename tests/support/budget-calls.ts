import type { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import { chatStream } from '../../src/events/chat.ts'
import { dayOf } from '../../src/events/day.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { councilScope } from '../../src/events/policy.ts'
import { newId } from './council.ts'

type Reservation = ReturnType<typeof ReserveBudget.schema.parse>

/** Today, in the time zone of the default policy. */
export const today = (): string => dayOf(new Date().toISOString())

/** The fields of `ReserveBudget` for a model call of a prompt's first attempt, with defaults. */
export const reservationFor = (
  requestId: Uuid7,
  { callId = newId(), amountMicros = 500, ...part }: Partial<Reservation & Reservation['calls'][number]> = {},
): Reservation => ({
  scopes: [{ scope: councilScope, day: today() }],
  work: chatStream(requestId),
  attempt: 1,
  calls: [{ callId, phase: 'respond', member: 'council', model: 'scripted', amountMicros }],
  expiresAt: new Date(Date.now() + 15 * 60_000).toISOString(),
  ...part,
})
