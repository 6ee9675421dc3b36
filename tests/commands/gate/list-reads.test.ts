import { expect, test } from 'vitest'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { newId } from '../../support/council.ts'
import { suiteProcesses } from '../../support/lifetimes.ts'
import { ReserveDays, Sweep, WriteElsewhere } from '../../support/list-command.ts'

const [council, other] = await suiteProcesses()
const days = ['2026-11-23', '2026-11-24']

test('a command that reads a list of streams writes to each of them in one append', async () => {
  const result = await council.execute(ReserveDays, { requestId: newId(), days })
  expect(result).toMatchObject({
    result: 'appended',
    events: days.map((day) => ({ stream: budgetStream('council', day), revision: 1, type: 'BudgetReserved' })),
  })
})

test('two gates decide on the newest state of every stream in a list', async () => {
  const requestId = newId()
  const both = [council, other].flatMap((process) => Array.from({ length: 20 }, () => process))
  const results = await Promise.all(both.map((process) => process.execute(ReserveDays, { requestId, days })))
  expect(new Set(results.map(({ result }) => result))).toEqual(new Set(['appended']))
  for (const process of [council, other])
    for (const day of days) {
      const { state } = await process.gate.load(budget, budgetStream('council', day))
      expect(Object.values(state.reservations)).toHaveLength(41)
    }
  expect(await other.execute(Sweep, { requestId, days })).toMatchObject({ result: 'appended' })
  for (const day of days)
    expect((await council.gate.load(budget, budgetStream('council', day))).state.reservations).toEqual({})
})

test('an empty list reads nothing, and a stream outside of the list cannot be written', async () => {
  const requestId = newId()
  expect(await council.execute(Sweep, { requestId, days: [] })).toMatchObject({ result: 'appended', events: [] })
  await expect(council.execute(WriteElsewhere, { requestId, days })).rejects.toThrow('did not read')
})
