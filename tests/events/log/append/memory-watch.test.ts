import { afterAll, describe, expect, test } from 'vitest'
import { Principal } from '../../../../src/events/identifiers.ts'
import { CancelPrompt } from '../../../../src/commands/chat/cancel-prompt.ts'
import { createGate } from '../../../../src/commands/gate/gate.ts'
import { SubmitPrompt } from '../../../../src/commands/chat/submit-prompt.ts'
import { memoryShare, watchMemory } from '../../../../src/events/log/append/memory-watch.ts'
import { systemClock } from '../../../../src/platform/clock.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import { newId, openTestCouncil } from '../../../support/council.ts'
import { startRedis } from '../../../support/servers.ts'
import { freshCouncilId } from '../../../support/shared-servers.ts'

const server = await startRedis()
afterAll(server.stop)
const council = await openTestCouncil(server.url, freshCouncilId())
afterAll(council.close)

const limitTo = async (share: number) => {
  const used = Number(/^used_memory:(\d+)/m.exec(await council.redis.info('memory'))?.[1])
  await council.redis.config('SET', 'maxmemory', Math.round(used / share))
}

describe('the memory of the log', () => {
  test('is measured against its limit, or else against the memory of the machine', async () => {
    await council.redis.config('SET', 'maxmemory', 0)
    const ofMachine = await memoryShare(council.redis)
    expect(ofMachine).toBeGreaterThan(0)
    expect(ofMachine).toBeLessThan(0.1)
    await limitTo(0.5)
    expect(await memoryShare(council.redis)).toBeCloseTo(0.5, 1)
  })

  test('is nearly used up: no new work starts, but open work can end', async () => {
    await limitTo(0.5)
    const started = newId()
    await council.execute(SubmitPrompt, { requestId: started, text: 'Why?' }, started)
    await limitTo(0.9)
    const watch = await watchMemory(council.redis, silentLogger)
    const gate = createGate({
      log: council.log,
      clock: systemClock,
      newId,
      pause: async () => undefined,
      isNearlyFull: watch.isNearlyFull,
      logger: silentLogger,
    })
    const requestId = newId()
    const context = { commandId: requestId, principal: Principal.parse('tester') }
    expect(await gate.execute(SubmitPrompt, { requestId, text: 'Why?' }, context)).toMatchObject({
      result: 'rejected',
      code: 'log_nearly_full',
    })
    expect(await gate.execute(CancelPrompt, { requestId: started }, { ...context, commandId: newId() })).toMatchObject({
      result: 'appended',
    })
    watch.stop()
  })
})
