import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chargedScopes } from '../../../src/agents/budgets.ts'
import { lostCall } from '../../../src/agents/model-call.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { SetBudgetPolicy } from '../../../src/commands/budget/set-budget-policy.ts'
import type { Settlement } from '../../../src/commands/budget/settlement.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import type { CommandDefinition, ReadSet } from '../../../src/commands/decider.ts'
import { budgetStream, type BudgetStream } from '../../../src/events/budget.ts'
import { chatStream } from '../../../src/events/chat.ts'
import { Principal, type Uuid7 } from '../../../src/events/identifiers.ts'
import { demandReader } from '../../../src/cli/simulate/demand.ts'
import { replay } from '../../../src/cli/simulate/replay.ts'
import { council as cli, emptyDataDir } from '../../support/cli.ts'
import { newId, openTestCouncil } from '../../support/council.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

const noon = Date.parse('2026-10-24T12:00:00Z')
type OpenCall = { callId: string; requestId: Uuid7; budgets: BudgetStream[] }

/** A council at a time of its own, whose workers ask for money as real ones do. */
async function openBudgets() {
  let nowMs = noon
  const clock = { nowMs: () => nowMs }
  const council = await openTestCouncil(redisUrl, freshCouncilId(), { clock })
  const open: OpenCall[] = []
  const requests = new Map<string, Uuid7>()
  const run = <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: NoInfer<C>, who = 'worker') =>
    council.gate.execute(definition, input, { commandId: newId(), principal: Principal.parse(who) })

  async function requestOf(asker: string): Promise<Uuid7> {
    const requestId = requests.get(asker) ?? newId()
    if (!requests.has(asker)) {
      await run(SubmitPrompt, { requestId, text: 'Why?' }, asker)
      await run(StartAttempt, { requestId, attempt: 1, worker: 'w' })
    }
    requests.set(asker, requestId)
    return requestId
  }
  const settle = (call: OpenCall, settlement: Partial<Settlement>) =>
    run(DebitBudget, {
      work: chatStream(call.requestId),
      attempt: 1,
      settlement: { ...lostCall(call.callId, call.budgets, null), ...settlement },
    })

  return {
    council,
    settings: { REDIS_URL: redisUrl, COUNCIL_ID: council.councilId },
    wait: (minutes: number) => void (nowMs += minutes * 60_000),
    policy: (fields: object) => run(SetBudgetPolicy, SetBudgetPolicy.schema.parse(fields), 'admin'),
    /** Reserves calls side by side. Resolves with the result's code. */
    reserve: async (asker: string, amounts: number[]): Promise<string> => {
      const requestId = await requestOf(asker)
      const scopes = await chargedScopes({ gate: council.gate, clock }, Principal.parse(asker))
      const budgets = scopes.flatMap(({ scope, day }) => (day === null ? [] : [budgetStream(scope, day)]))
      const calls = amounts.map((amountMicros) => ({
        callId: newId(),
        phase: 'respond',
        member: 'm',
        model: 'small',
        amountMicros,
      }))
      const result = await run(ReserveBudget, {
        scopes: scopes.map(({ scope, day }) => ({ scope, day })),
        work: chatStream(requestId),
        attempt: 1,
        calls,
        expiresAt: new Date(nowMs + 900_000).toISOString(),
      })
      if (result.result === 'appended') open.push(...calls.map(({ callId }) => ({ callId, requestId, budgets })))
      return result.result === 'refused' ? result.code : result.result
    },
    /** Ends the oldest open call. */
    end: async (
      how: 'pay' | 'lose' | 'release',
      costMicros: number,
      tokens = { promptTokens: 100, completionTokens: 10 },
    ) => {
      const call = open.shift()
      if (!call) return
      if (how === 'lose') await settle(call, {})
      else if (how === 'release') await settle(call, { outcome: 'released' })
      else
        await settle(call, {
          outcome: 'completed',
          usage: 'reported',
          costMicros,
          priceRef: 'small@100/1000',
          ...tokens,
        })
    },
  }
}

const fileOf = (content: unknown): string => {
  const path = join(emptyDataDir(), 'file.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const zones = ['UTC', 'Europe/Berlin', 'Pacific/Kiritimati']
const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('policy' as const),
      fields: fc.record({
        scope: fc.constantFrom('council', 'user', 'user:anna'),
        dailyMicros: fc.integer({ min: 0, max: 3_000 }),
        softPercent: fc.integer({ min: 1, max: 100 }),
        onExceed: fc.constantFrom('throttle', 'stop'),
        timeZone: fc.constantFrom(...zones),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 300 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      asker: fc.constantFrom('anna', 'bob'),
      amounts: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      how: fc.constantFrom('pay', 'pay', 'lose', 'release'),
      costMicros: fc.integer({ min: 0, max: 900 }),
    }),
  },
)

describe('the replay of budgets', () => {
  test('agrees with history under the policies that were in force', async () => {
    let [refusals, throttles] = [0, 0]
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const { council, policy, wait, reserve, end } = await openBudgets()
        for (const one of steps) {
          if (one.do === 'policy') await policy(one.fields)
          else if (one.do === 'wait') wait(one.minutes)
          else if (one.do === 'reserve') await reserve(one.asker, one.amounts)
          else await end(one.how, one.costMicros)
        }
        const { take, demand } = demandReader(() => true)
        for (const event of await council.events()) take(event)
        council.close()
        expect(new Map(replay(demand.steps, new Map()))).toEqual(demand.recorded)
        for (const { refused, throttledFrom } of demand.recorded.values()) {
          refusals += refused
          throttles += throttledFrom === null ? 0 : 1
        }
      }),
      { numRuns: 25, seed: 20_261_126 },
    )
    expect(refusals).toBeGreaterThan(20)
    expect(throttles).toBeGreaterThan(5)
  }, 60_000)
})

describe('council simulate budget', async () => {
  const told = await openBudgets()
  const { council, settings, policy, wait, reserve, end } = told
  // Anna pays 38 µ$ of 500, twice; then she may not ask for more; Bob has no policy.
  await policy({ scope: 'user:anna', dailyMicros: 600, softPercent: 5 })
  for (const _ of [1, 2]) {
    await reserve('anna', [500])
    await end('pay', 38)
    wait(1)
  }
  expect(await reserve('anna', [300, 300])).toBe('budget_exceeded')
  await reserve('bob', [500])
  await end('lose', 0)
  const head = await council.log.head()

  const simulate = (...args: string[]) => cli(settings, ['simulate', 'budget', ...args])
  const rowsOf = async (...args: string[]) => (await simulate(...args, '--json')).json()
  const dayOf = (rows: Record<string, unknown>[], scope: string) =>
    rows.find((row) => row['kind'] === 'day' && row['scope'] === scope)

  test('prints each day and scope as it was and as it would have been under other policies', async () => {
    const rows = await rowsOf('--policy', fileOf([{ scope: 'user:anna', dailyMicros: 10_000 }]))
    expect(dayOf(rows, 'user:anna')).toMatchObject({
      day: '2026-10-24',
      recorded: { calls: 2, refused: 2, spentMicros: 76, atMostMicros: 0, throttledFrom: '2026-10-24T12:00:00.000Z' },
      simulated: { calls: 4, refused: 0, spentMicros: 676, atMostMicros: 600, throttledFrom: null },
    })
    expect(rows.at(-1)).toEqual({
      kind: 'total',
      recorded: { calls: 3, refused: 2, spentMicros: 576, atMostMicros: 0 },
      simulated: { calls: 5, refused: 0, spentMicros: 1_176, atMostMicros: 600 },
      unscaledReservations: 0,
    })
    const { stdout } = await simulate('--policy', fileOf([{ scope: 'user:anna', dailyMicros: 10_000 }]))
    expect(stdout).toContain('of this at most $0.000600 (600 µ$) for calls that were refused')
  })

  test('applies a policy to users that had none, and in its own time zone', async () => {
    const everyone = { scope: 'user', dailyMicros: 499, timeZone: 'Pacific/Kiritimati' }
    const rows = await rowsOf('--policy', fileOf([everyone]))
    expect(dayOf(rows, 'user:bob')).toMatchObject({
      day: '2026-10-25',
      recorded: null,
      simulated: { calls: 0, refused: 1, terms: { timeZone: 'Pacific/Kiritimati' } },
    })
    expect(rows.at(-1)).toMatchObject({ simulated: { calls: 2, refused: 3, spentMicros: 76 } })
  })

  test('says what the same calls cost at other prices', async () => {
    const rates = { name: 'big', promptMicrosPer1000: 1_000, completionMicrosPer1000: 3_000 }
    const rows = await rowsOf('--prices', fileOf({ default: rates, prices: [] }))
    // 100 tokens at 1000 and 10 at 3000 are 130 µ$. The lost call costs its reservation, ten times as much as before. The second
    // reservation of Anna, 5,000 µ$, no longer fits into her day, nor does the first.
    expect(dayOf(rows, 'council')).toMatchObject({ simulated: { calls: 1, spentMicros: 5_000 } })
    const free = await rowsOf(
      '--prices',
      fileOf({ default: rates, prices: [] }),
      '--policy',
      fileOf([{ scope: 'user:anna', dailyMicros: 100_000 }]),
    )
    expect(dayOf(free, 'council')).toMatchObject({ simulated: { calls: 5, spentMicros: 130 + 130 + 6_000 + 5_000 } })
    const same = { name: 'small', promptMicrosPer1000: 100, completionMicrosPer1000: 1_000 }
    const again = await rowsOf('--prices', fileOf({ prices: [{ ...same, models: ['small'] }] }))
    expect(again.at(-1)).toMatchObject({ simulated: { calls: 3, refused: 2, spentMicros: 20 + 20 + 500 } })
  })

  test('prints a CSV file, and the totals on stderr', async () => {
    const run = await simulate('--csv', '--policy', fileOf([]))
    const [names, council] = run.stdout.split('\r\n')
    expect(names).toMatch(/^day,scope,recordedCalls,simulatedCalls,recordedRefused,/)
    expect(council).toBe('2026-10-24,council,3,3,0,0,,,576,576,0,10000000,10000000,UTC,UTC')
    expect(run.stderr).toContain('simulated  3 calls, 2 refused, $0.000576')
  })

  test('counts a range, and knows the budgets from before it', async () => {
    const second = (await council.events()).filter(({ type }) => type === 'BudgetReserved')[2]?.position ?? ''
    const rows = await rowsOf('--policy', fileOf([]), '--from', second)
    const anna = { calls: 1, refused: 2, spentMicros: 38 }
    expect(dayOf(rows, 'user:anna')).toMatchObject({ recorded: anna, simulated: anna })
  })

  test.each([
    ['no list', { scope: 'council' }, 'expected array'],
    ['an unknown scope', [{ scope: 'team', dailyMicros: 1 }], 'must be council, user, agent'],
    ['an unknown field', [{ scope: 'council', dailyMicros: 1, weekly: 1 }], 'weekly'],
    ['a zone that does not exist', [{ scope: 'council', dailyMicros: 1, timeZone: 'Mars/Olympus' }], 'time zone'],
    [
      'two policies of a scope',
      [
        { scope: 'user', dailyMicros: 1 },
        { scope: 'user', dailyMicros: 2 },
      ],
      'more than one',
    ],
    ['no JSON', '{', 'cannot be used'],
  ])('takes no policy file with %s', async (_, content, message) => {
    const run = await simulate('--policy', fileOf(content))
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) as unknown })
  })

  test('takes no prices without one for a model that was called, and no command without a change', async () => {
    const prices = { prices: [{ name: 'x', models: ['other'], promptMicrosPer1000: 1, completionMicrosPer1000: 1 }] }
    expect(await simulate('--prices', fileOf(prices))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('for the model small') as unknown,
    })
    expect(await simulate('--prices', '/nowhere.json')).toMatchObject({ code: 2 })
    expect(await simulate()).toMatchObject({ code: 2 })
    expect(await simulate('--policy', fileOf([]), '--csv', '--json')).toMatchObject({ code: 2 })
  })

  test('writes nothing', async () => {
    await simulate('--policy', fileOf([{ scope: 'council', dailyMicros: 1 }]))
    expect(await council.log.head()).toBe(head)
  })
})
