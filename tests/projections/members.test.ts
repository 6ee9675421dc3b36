import { expect, test } from 'vitest'
import { answerPrompt } from '../../src/agents/worker/answer.ts'
import { memberReport } from '../../src/projections/member-figures.ts'
import { members } from '../../src/projections/members.ts'
import { councilModel } from '../support/council-model.ts'
import { memoryPrompt } from '../support/memory-attempt.ts'
import { end, text, usage } from '../support/scripted-model.ts'

test('the figures of members follow from the events that the agents record', async () => {
  const model = councilModel({
    'draft sceptic': [usage(9, 1), end()],
    'vote pragmatist': [usage(9, 9), text('none of them'), end()],
  })
  const prompt = await memoryPrompt({ model })
  const { attempt } = await prompt.nextAttempt({ requestedPath: 'full' })
  await answerPrompt(prompt.dependencies, attempt)
  const events = await prompt.events()

  const rows = members.fold(events)
  const report = (member: string) => {
    const row = rows.get(member)
    return row && memberReport(row)
  }
  expect([...rows.keys()].toSorted()).toEqual(['analyst', 'chair', 'pragmatist', 'sceptic'])
  expect(report('analyst')).toMatchObject({ elections: 1, drafts: 1, draftsFailed: 0, ballots: 1, abstentions: 0 })
  expect(report('analyst')?.meanDraftMs).toBeGreaterThanOrEqual(0)
  expect(report('sceptic')).toMatchObject({ drafts: 0, draftsFailed: 1, meanDraftMs: null, meanRank: null, ballots: 1 })
  expect(report('pragmatist')).toMatchObject({ drafts: 1, ballots: 0, abstentions: 1, agreement: null })
  expect(report('chair')).toMatchObject({ elections: 0, drafts: 0, calls: 1, agreement: null })
  const [ended] = await prompt.events(/^AnswerCompleted$/)
  expect([...rows.values()].reduce((sum, { cost_micros }) => sum + cost_micros, 0)).toBe(
    ended?.type === 'AnswerCompleted' ? ended.data.costMicros : 0,
  )
  const calls = events.filter(({ type }) => type === 'BudgetDebited').length
  expect([...rows.values()].reduce((sum, row) => sum + row.calls, 0)).toBe(calls)
})
