import { z } from 'zod'
import { budget } from '../../src/commands/aggregates/budget.ts'
import { chat } from '../../src/commands/aggregates/chat.ts'
import { defineCommand } from '../../src/commands/decider.ts'
import { budgetStream, type BudgetEvent, type BudgetStream } from '../../src/events/budget.ts'
import { chatStream } from '../../src/events/chat.ts'
import { Uuid7 } from '../../src/events/identifiers.ts'

export const reserved = (requestId: Uuid7, callId: string, amountMicros: number): BudgetEvent => ({
  type: 'BudgetReserved',
  data: { callId, requestId, model: 'm', amountMicros, expiresAt: '2026-11-23T13:00:00.000Z' },
})

const fields = z.strictObject({ requestId: Uuid7, days: z.array(z.iso.date()) })
const reads = ({ requestId, days }: z.infer<typeof fields>) => ({
  chat: chatStream(requestId),
  budgets: days.map((day) => budgetStream('council', day)),
})

/** Reserves money in the budgets of several days. */
export const ReserveDays = defineCommand({ chat, budgets: [budget] })({
  name: 'ReserveDays',
  schema: fields,
  reads,
  decide: ({ requestId }, { budgets }) => ({
    outcome: 'accepted',
    events: {
      budgets: new Map(
        [...budgets].map(([stream, { reservations }]) => [
          stream,
          [reserved(requestId, `${requestId}/${Object.keys(reservations).length}`, 700)],
        ]),
      ),
    },
  }),
})

/** Releases every reservation in the budgets of several days. */
export const Sweep = defineCommand({ chat, budgets: [budget] })({
  name: 'Sweep',
  schema: fields,
  reads,
  decide: ({ requestId }, { budgets }) => {
    const swept = new Map<BudgetStream, BudgetEvent[]>()
    for (const [stream, { reservations }] of budgets) {
      const released = Object.entries(reservations).map(([callId, amountMicros]): BudgetEvent => ({
        type: 'BudgetReleased',
        data: { callId, requestId, amountMicros, reason: 'swept' },
      }))
      if (released.length > 0) swept.set(stream, released)
    }
    return { outcome: 'accepted', events: { budgets: swept } }
  },
})

/** Writes to a stream that its list of streams lacks. */
export const WriteElsewhere = defineCommand({ chat, budgets: [budget] })({
  name: 'WriteElsewhere',
  schema: fields,
  reads,
  decide: ({ requestId }) => ({
    outcome: 'accepted',
    events: { budgets: new Map([[budgetStream('council', '2020-01-01'), [reserved(requestId, 'c1', 1)]]]) },
  }),
})
