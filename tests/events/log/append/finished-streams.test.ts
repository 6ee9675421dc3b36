import { describe, expect, test } from 'vitest'
import { chatStream } from '../../../../src/events/chat.ts'
import { CancelPrompt } from '../../../../src/commands/chat/cancel-prompt.ts'
import { chat } from '../../../../src/commands/aggregates/chat.ts'
import { OpenAccount } from '../../../../src/commands/treasury/open-account.ts'
import { StartAttempt } from '../../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../../src/commands/chat/submit-prompt.ts'
import { uuid7TimeMs, type Uuid7 } from '../../../../src/events/identifiers.ts'
import { idAt, newId } from '../../../support/council.ts'
import { suiteProcesses } from '../../../support/lifetimes.ts'
import { id } from '../../../support/treasury.ts'

const [council, other] = await suiteProcesses()
const hoursAgo = (hours: number) => idAt(Math.round(Date.now() - hours * 3_600_000))
const submit = (requestId: Uuid7, by = council, commandId = requestId) =>
  by.execute(SubmitPrompt, { requestId, text: 'Why?' }, commandId)
const finish = async (requestId: Uuid7) => {
  await submit(requestId)
  await council.execute(CancelPrompt, { requestId })
}

describe('a finished stream', () => {
  test('is removed from the states, and its revision is kept for the window', async () => {
    const requestId = newId()
    await finish(requestId)
    const stream = chatStream(requestId)
    expect(await council.redis.hget(council.keys.states, stream)).toBeNull()
    const key = council.keys.finished(uuid7TimeMs(requestId))
    expect(await council.redis.hget(key, stream)).toBe('2')
    const leavesInMs = await council.redis.pttl(key)
    expect(leavesInMs).toBeGreaterThan(24 * 3_600_000)
    expect(leavesInMs).toBeLessThan(27 * 3_600_000)
    expect(await other.log.loadStates([stream])).toEqual([{ stream, status: 'finished', revision: 2 }])
  })

  test('is finished for every process, including one that has never read it', async () => {
    const requestId = newId()
    await finish(requestId)
    expect(await other.gate.load(chat, chatStream(requestId))).toEqual({ revision: 2, state: { status: 'finished' } })
    expect(await other.execute(StartAttempt, { requestId, attempt: 1, worker: 'late' })).toEqual({
      result: 'refused',
      code: 'prompt_finished',
    })
  })

  test('cannot start again, even under a new command id', async () => {
    const requestId = newId()
    await finish(requestId)
    expect(await submit(requestId, other, newId())).toEqual({ result: 'refused', code: 'prompt_exists' })
  })

  test('cannot start again after the window, because its own id is too old', async () => {
    expect(await submit(hoursAgo(25), other, newId())).toMatchObject({ result: 'rejected', code: 'id_expired' })
  })

  test('is remembered until the end of the window', async () => {
    const requestId = hoursAgo(23.9)
    await finish(requestId)
    expect(await submit(requestId, other, newId())).toEqual({ result: 'refused', code: 'prompt_exists' })
  })
})

test('a stream with an id from the future cannot start', async () => {
  expect(await submit(hoursAgo(-0.2), council, newId())).toMatchObject({ result: 'rejected', code: 'id_ahead' })
})

test('an account never finishes and keeps its state', async () => {
  await council.execute(OpenAccount, { account: id('agent:ada') })
  expect(await other.log.loadStates(['account/agent:ada' as never])).toMatchObject([{ status: 'live', revision: 2 }])
})
