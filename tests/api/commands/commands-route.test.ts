import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { Principal } from '../../../src/events/identifiers.ts'
import { commandsRoute } from '../../../src/api/commands/commands-route.ts'
import type { RejectionCode } from '../../../src/commands/gate/types.ts'
import { LogStopped } from '../../../src/events/log/log.ts'
import { newId } from '../../support/council.ts'

describe('a log that cannot take it now', () => {
  /** The route before a gate that turns everything away for one reason: the real one does so only when its log is gone. */
  async function turnedAway(
    code: RejectionCode,
    {
      key = newId(),
      stoppedBy = null,
      places = 1,
    }: { key?: string; stoppedBy?: LogStopped | null; places?: number } = {},
  ) {
    const server = Fastify()
    server.decorateRequest('principal', null)
    server.addHook('onRequest', async (incoming) => void (incoming.principal = Principal.parse('ada')))
    commandsRoute(server, {
      gate: {
        execute: async () => ({ result: 'rejected', code, message: 'why' }),
        load: () => Promise.reject(new Error('not asked for')),
        stoppedBy: () => stoppedBy,
      },
      log: { commandIdFor: () => Promise.reject(new Error('Connection is closed.')) },
      limits: { inFlight: () => (places > 0 ? () => undefined : null) },
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

  test('is asked for later where the caller has too many under way', async () => {
    expect(await turnedAway('overloaded', { places: 0 })).toMatchObject({
      status: 429,
      retryAfter: '1',
      code: 'too_many_in_flight',
    })
  })

  test.each([
    ['overloaded', '1'],
    ['log_unavailable', '1'],
    ['outcome_unknown', '1'],
    ['log_stopped', '30'],
  ] as const)('answers %s with when to ask again', async (code, retryAfter) => {
    expect(await turnedAway(code)).toEqual({
      status: 503,
      retryAfter,
      type: 'application/problem+json; charset=utf-8',
      code,
    })
  })

  test('does nothing when it cannot resolve an idempotency key to a command id', async () => {
    expect(await turnedAway('overloaded', { key: 'order-66' })).toMatchObject({
      status: 503,
      retryAfter: '1',
      code: 'log_unavailable',
    })
  })

  test('is not written to for the key of a caller once it has stopped', async () => {
    const stoppedBy = new LogStopped('log_replaced', 'another log')
    expect(await turnedAway('overloaded', { key: 'order-66', stoppedBy })).toMatchObject({
      status: 503,
      retryAfter: '30',
      code: 'log_stopped',
    })
  })

  test('calls a state that would be too large a defect of its own', async () => {
    expect(await turnedAway('state_too_large')).toMatchObject({ status: 500, code: 'state_too_large' })
  })
})
