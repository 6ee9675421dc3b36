import { expect, test, vi } from 'vitest'
import { beginning, justBefore } from '../../../../src/events/identifiers.ts'
import { hotLog } from '../../../../src/events/log/read/hot-log.ts'
import { answeredPrompt } from '../../../support/history.ts'
import { suiteCouncil } from '../../../support/lifetimes.ts'

const council = await suiteCouncil()

test('a backward read that begins before the oldest event asks Redis for none: it would look at every entry', async () => {
  await answeredPrompt(council)
  const [first, second] = await council.events()
  if (!first || !second) throw new Error('the log is empty')
  const asked = vi.spyOn(council.redis, 'xrevrange')
  const hot = hotLog(council.redis, council.keys)
  const from = (upTo: typeof first.position) => hot.page({ after: beginning, upTo, direction: 'backward' })
  expect(await from(justBefore(first.position))).toEqual([])
  expect(asked).not.toHaveBeenCalled()
  expect(await from(justBefore(second.position))).toMatchObject([{ sequence: 1 }])
  expect(asked).toHaveBeenCalledTimes(1)
})
