import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { firstIdentity } from '../../../src/api/access/identity.ts'
import { commandsRoute } from '../../../src/api/commands/commands-route.ts'
import { Principal } from '../../../src/events/identifiers.ts'
import { newId } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'

/** The route over a real gate, for subjects that the header `x-subject` names. */
async function routeOf() {
  const council = await testCouncil()
  const server = Fastify()
  server.decorateRequest('identity', null)
  server.addHook('onRequest', async (incoming) => {
    incoming.identity = { ...firstIdentity, subject: Principal.parse(incoming.headers['x-subject']) }
  })
  commandsRoute(server, {
    gate: council.gate,
    log: council.log,
    limits: { inFlight: () => () => undefined },
    findPrompt: () => Promise.reject(new Error('the first token sees every prompt')),
    newId,
  })
  return async (subject: string, name: string, payload: object, key: string = newId()) => {
    const { statusCode, json } = await server.inject({
      method: 'POST',
      url: `/v1/commands/${name}`,
      headers: { 'x-subject': subject, 'idempotency-key': key },
      payload,
    })
    return { status: statusCode, body: json<Record<string, unknown>>() }
  }
}

test('an agent gets 202 for an action that waits, the same answer under the same key, and 200 for one that does not', async () => {
  const post = await routeOf()
  for (const account of ['external', 'reserve', 'spend']) await post('ada', 'OpenAccount', { account })
  const transfer = { transferId: 't', from: 'external', to: 'reserve', amountMicros: 60_000_000, reason: 'funding' }
  const key = 'one-transfer'
  const first = await post('agent:scout', 'TransferFunds', transfer, key)
  expect(first).toMatchObject({
    status: 202,
    body: { result: 'approval_required', events: [{ type: 'ApprovalRequested' }] },
  })
  expect(first.body['position']).toMatch(/^\d+-\d+$/)
  expect(await post('agent:scout', 'TransferFunds', transfer, key)).toEqual(first)
  expect(await post('agent:scout', 'TransferFunds', { ...transfer, amountMicros: 1 })).toMatchObject({
    status: 200,
    body: { result: 'appended' },
  })
  const approvalId = first.body['approvalId']
  expect(await post('agent:scout', 'GrantApproval', { approvalId })).toMatchObject({
    status: 422,
    body: { code: 'not_for_agents' },
  })
  expect(await post('ada', 'GrantApproval', { approvalId })).toMatchObject({ status: 200 })
})
