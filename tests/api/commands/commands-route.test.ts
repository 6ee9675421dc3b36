import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { firstIdentity } from '../../../src/api/access/identity.ts'
import { commandsRoute } from '../../../src/api/commands/commands-route.ts'
import type { RejectionCode } from '../../../src/commands/gate/types.ts'
import { LogStopped } from '../../../src/events/log/log.ts'
import { newId } from '../../support/council.ts'

describe('a command that the gate rejects', () => {
  /** The route with a gate that rejects every command for one reason, as the real gate does without its log. */
  async function rejected(
    code: RejectionCode,
    {
      key = newId(),
      stoppedBy = null,
      places = 1,
    }: { key?: string; stoppedBy?: LogStopped | null; places?: number } = {},
  ) {
    const server = Fastify()
    server.decorateRequest('identity', null)
    server.addHook('onRequest', async (incoming) => void (incoming.identity = firstIdentity))
    commandsRoute(server, {
      gate: {
        execute: async () => ({ result: 'rejected', code, message: 'why' }),
        load: () => Promise.reject(new Error('not used')),
        stoppedBy: () => stoppedBy,
      },
      log: { commandIdFor: () => Promise.reject(new Error('Connection is closed.')) },
      limits: { inFlight: () => (places > 0 ? () => undefined : null) },
      findPrompt: () => Promise.reject(new Error('not used')),
      newId,
    })
    const answer = await server.inject({
      method: 'POST',
      url: '/v1/commands/FreezeTreasury',
      headers: { 'idempotency-key': key },
      payload: { reason: 'story' },
    })
    return {
      status: answer.statusCode,
      retryAfter: answer.headers['retry-after'],
      type: answer.headers['content-type'],
      code: answer.json<{ code: string }>().code,
    }
  }

  test('gets 429 if the caller has too many commands in flight', async () => {
    const problem = { status: 429, retryAfter: '1', code: 'too_many_in_flight' }
    expect(await rejected('overloaded', { places: 0 })).toMatchObject(problem)
  })

  test.each([
    ['overloaded', '1'],
    ['log_unavailable', '1'],
    ['outcome_unknown', '1'],
    ['log_stopped', '30'],
  ] as const)('gets the time to retry for %s', async (code, retryAfter) => {
    expect(await rejected(code)).toEqual({
      status: 503,
      retryAfter,
      type: 'application/problem+json; charset=utf-8',
      code,
    })
  })

  test('gets 503 if its idempotency key cannot be resolved to a command id', async () => {
    const problem = { status: 503, retryAfter: '1', code: 'log_unavailable' }
    expect(await rejected('overloaded', { key: 'order-66' })).toMatchObject(problem)
  })

  test('gets 503 without a lookup of its idempotency key once the log has stopped', async () => {
    const stoppedBy = new LogStopped('log_replaced', 'another log')
    const problem = { status: 503, retryAfter: '30', code: 'log_stopped' }
    expect(await rejected('overloaded', { key: 'order-66', stoppedBy })).toMatchObject(problem)
  })

  test('gets 500 for a state that is too large', async () => {
    expect(await rejected('state_too_large')).toMatchObject({ status: 500, code: 'state_too_large' })
  })
})
