import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { budget, type Budget } from '../../src/commands/aggregates/budget.ts'
import { chat, type Chat } from '../../src/commands/aggregates/chat.ts'
import { defineCommand, type StatesOf } from '../../src/commands/decider.ts'
import { refused } from '../../src/commands/refusals.ts'
import { budgetStream, type BudgetEvent } from '../../src/events/budget.ts'
import { chatStream } from '../../src/events/chat.ts'
import { type AccountId, Uuid7 } from '../../src/events/identifiers.ts'
import { given } from '../support/decider.ts'
import { reserved, Sweep } from '../support/list-command.ts'

const requestId = Uuid7.parse('0199a0b0-0000-7000-8000-000000000001')
const [monday, tuesday] = [budgetStream('council', '2026-11-23'), budgetStream('council', '2026-11-24')]

describe('a command that reads a list of streams', () => {
  test('gets and returns one value per stream', () => {
    const released: BudgetEvent = {
      type: 'BudgetReleased',
      data: { callId: 'c1', requestId, amountMicros: 700, reason: 'swept' },
    }
    given(
      { chat, budgets: [budget] },
      {
        budgets: new Map([
          [monday, [reserved(requestId, 'c1', 700)]],
          [tuesday, []],
        ]),
      },
    )
      .when(Sweep, { requestId, days: ['2026-11-23', '2026-11-24'] })
      .then({ accepted: { budgets: new Map([[monday, [released]]]) } })
  })

  test('has typed states', () => {
    type States = StatesOf<{ chat: typeof chat; budgets: readonly [typeof budget] }>
    expectTypeOf<States['chat']>().toEqualTypeOf<Chat>()
    expectTypeOf<States['budgets']>().toEqualTypeOf<ReadonlyMap<ReturnType<typeof budgetStream>, Budget>>()
  })
})

describe('the types of a command', () => {
  test('infer the command from its schema', () => {
    const command = defineCommand({ chat })({
      name: 'Infer',
      schema: z.strictObject({ requestId: Uuid7 }),
      reads: (fields) => ({ chat: chatStream(fields.requestId) }),
      decide: (fields, states) => {
        expectTypeOf(fields).toEqualTypeOf<{ requestId: Uuid7 }>()
        expectTypeOf(states.chat).toEqualTypeOf<Chat>()
        return refused('prompt_unknown')
      },
    })
    expect(command.aggregates).toEqual({ chat })
  })

  test('bind the details of a refusal to its code', () => {
    expectTypeOf(refused<'same_account'>).parameters.toEqualTypeOf<['same_account', { account: AccountId }]>()
    expectTypeOf(refused<'treasury_frozen'>).parameters.toEqualTypeOf<['treasury_frozen']>()
  })
})
