import { expect, test } from 'vitest'
import { OpenAccount } from '../../../../src/commands/treasury/open-account.ts'
import { SubmitPrompt } from '../../../../src/commands/chat/submit-prompt.ts'
import { newId } from '../../../support/council.ts'
import { testCouncil } from '../../../support/lifetimes.ts'
import { id } from '../../../support/treasury.ts'

const lastPossibleId = '18446744073709551615-18446744073709551615'

test('an append that fails in the middle of its writes halts the log, for every process', async () => {
  const council = await testCouncil()
  const other = await testCouncil(council.councilId)
  // The events are written, but writing the job fails; append.lua cannot detect this in advance.
  await council.redis.xgroup('CREATE', council.keys.work, 'workers', '0', 'MKSTREAM')
  await council.redis.call('XSETID', council.keys.work, lastPossibleId)
  const requestId = newId()
  expect(await council.execute(SubmitPrompt, { requestId, text: 'Why?' }, requestId)).toMatchObject({
    result: 'rejected',
    code: 'outcome_unknown',
  })
  expect(council.gate.stoppedBy()).toMatchObject({
    code: 'log_halted',
    message: expect.stringContaining('audit verify --resume'),
  })

  expect(await other.execute(OpenAccount, { account: id('reserve') })).toMatchObject({ result: 'rejected' })
  expect(other.gate.stoppedBy()).toMatchObject({ code: 'log_halted' })
  expect((await council.events()).map(({ type }) => type)).toEqual(['PromptSubmitted'])
})
