import { beforeEach, expect, test } from 'vitest'
import { chatStream } from '../../../../src/events/chat.ts'
import { aggregateOf } from '../../../../src/commands/registry.ts'
import { foldStreams } from '../../../../src/events/log/folds.ts'
import { collectFaults } from '../../../../src/events/log/verify/audit-faults.ts'
import { checkJobs } from '../../../../src/events/log/verify/jobs.ts'
import type { TestCouncil } from '../../../support/council.ts'
import { answeredPrompt, applyStep, newPrompt } from '../../../support/history.ts'
import { testCouncil } from '../../../support/lifetimes.ts'

let council: TestCouncil
beforeEach(async () => {
  council = await testCouncil()
})

const hourMs = 3_600_000

/** Folds the current log; `check` then checks the jobs, after later changes. */
async function foldedNow() {
  const folds = foldStreams(aggregateOf)
  for (const event of await council.events()) folds.take(event)
  return async (jobOverdueMs: number) => {
    const { report, listed } = collectFaults()
    const { open } = await checkJobs({ redis: council.redis, keys: council.keys, folds, report, jobOverdueMs })
    return { open, faults: listed().map(({ code, stream }) => [code, stream]) }
  }
}

test('an open prompt with a job becomes a fault when its attempts should have ended', async () => {
  const open = newPrompt()
  for (const step of ['submit', 'attempt', 'call'] as const) await applyStep(council, open, step)
  await answeredPrompt(council)
  const check = await foldedNow()
  expect(await check(hourMs)).toEqual({ open: 1, faults: [] })
  expect(await check(0)).toEqual({ open: 1, faults: [['job_overdue', chatStream(open.requestId)]] })
})

test('an open prompt without a job is a fault at once, among many with jobs', async () => {
  const prompts = Array.from({ length: 1_200 }, () => newPrompt())
  await Promise.all(prompts.map((prompt) => applyStep(council, prompt, 'submit')))
  const [entry] = (await council.redis.xrevrange(council.keys.work, '+', '-', 'COUNT', 1))[0] ?? []
  const [[, fields] = []] = await council.redis.xrange(council.keys.work, entry!, entry!)
  await council.redis.xdel(council.keys.work, entry!)
  const check = await foldedNow()
  expect(await check(hourMs)).toEqual({
    open: 1_200,
    faults: [['job_missing', fields?.[fields.indexOf('stream') + 1]]],
  })
})

test('a prompt that ends during verification is no fault', async () => {
  const open = newPrompt()
  for (const step of ['submit', 'attempt', 'route', 'call'] as const) await applyStep(council, open, step)
  const check = await foldedNow()
  await applyStep(council, open, 'complete')
  expect(await check(0)).toEqual({ open: 1, faults: [] })
})
