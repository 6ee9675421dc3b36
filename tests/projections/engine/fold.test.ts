import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { chat } from '../../../src/commands/aggregates/chat.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { chatStream } from '../../../src/events/chat.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { chats } from '../../../src/projections/chats.ts'
import { costs, selectCosts } from '../../../src/projections/costs.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import type { Projection } from '../../../src/projections/engine/projection.ts'
import { today } from '../../support/budget-calls.ts'
import { openTestCouncil, type TestCouncil } from '../../support/council.ts'
import { databaseKinds } from '../../support/databases.ts'
import { suiteDatabase } from '../../support/lifetimes.ts'
import { applyStep, newPrompt, steps, type PromptRun } from '../../support/history.ts'
import { applyInBatches } from '../../support/read-models.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

/** Steps of four prompts, weighted so that most of them apply, and the sizes of the batches. */
const step = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...steps) },
  { weight: 3, arbitrary: fc.constantFrom('submit', 'attempt', 'call', 'settle', 'complete') },
)
const histories = fc.array(fc.record({ who: fc.nat(3), step }), { minLength: 1, maxLength: 45 })
const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 10 })

describe.each(databaseKinds)('a read model on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  await migrate(db.postgres)

  const applied = (projection: Projection, events: readonly AnyRecordedEvent[], sizes: readonly number[]) =>
    applyInBatches(db.postgres, projection, events, sizes)

  test('is the fold of the log for any history and any batch boundaries', async () => {
    await fc.assert(
      fc.asyncProperty(histories, cuts, async (history, sizes) => {
        const council = await openTestCouncil(redisUrl, freshCouncilId())
        try {
          const prompts = Array.from({ length: 4 }, (_, index) => newPrompt(`prompt ${index}`))
          for (const { who, step: next } of history) await applyStep(council, prompts[who]!, next)
          const events = await council.events()
          await applied(chats, events, sizes)
          await applied(costs, events, sizes)
          await expectFold(events)
          await expectSameAsAggregates(council, prompts)
        } finally {
          council.close()
        }
      }),
      { numRuns: 12 },
    )
  })

  async function expectFold(events: readonly AnyRecordedEvent[]): Promise<void> {
    const folded = chats.fold(events)
    const shown = (await db.rows('read_models.chats')).map((row) => chats.row.parse(row))
    expect(shown.toSorted((a, b) => a.request_id.localeCompare(b.request_id))).toEqual(
      [...folded.values()].toSorted((a, b) => a.request_id.localeCompare(b.request_id)),
    )
    expect(await shownCosts()).toEqual([...costs.fold(events).values()])
  }

  /** Compares with an independent implementation: the aggregates that commands decide on. */
  async function expectSameAsAggregates(council: TestCouncil, prompts: readonly PromptRun[]): Promise<void> {
    const ofBudget = await council.gate.load(budget, prompts[0]?.budget ?? budgetStream('council', today()))
    const spent = await shownCosts()
    expect(spent.reduce((sum, row) => sum + row.actual_micros, 0)).toBe(ofBudget.state.spentMicros)
    const rows = (await db.rows('read_models.chats')).map((row) => chats.row.parse(row))
    for (const { requestId } of prompts) {
      const { state } = await council.gate.load(chat, chatStream(requestId))
      const row = rows.find(({ request_id }) => request_id === requestId)
      expect(row === undefined ? 'absent' : ['submitted', 'answering'].includes(row.status) ? 'open' : 'finished').toBe(
        state.status,
      )
      if (!row) continue
      if (state.status === 'open')
        expect(row).toMatchObject({
          attempts: state.attempt,
          path: state.path,
          cost_micros: state.costMicros,
          prompt_tokens: state.promptTokens,
        })
      expect(row.cost_micros).toBe(
        spent
          .filter(({ request_id }) => request_id === requestId)
          .reduce((sum, { actual_micros }) => sum + actual_micros, 0),
      )
    }
  }

  const shownCosts = async () => db.postgres.transaction(selectCosts)
})
