import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'

let council: ServedCouncil
beforeAll(async () => {
  council = await serveCouncil(await councilSettings(), 'api,projector')
  for (const account of ['external', 'reserve']) await executeCommand(council, 'OpenAccount', { account })
  const deposit = { transferId: newId(), from: 'external', to: 'reserve', amountMicros: 200_000_000, reason: 'a test' }
  await executeCommand(council, 'TransferFunds', deposit)
})
afterAll(async () => void (await council.stop()))

describe('the agents over HTTP', () => {
  test('are those that were registered, by name, each with its account and seed', async () => {
    const positions = new Map<string, unknown>()
    for (const agentId of ['scout', 'ada'])
      positions.set(agentId, (await executeCommand(council, 'RegisterAgent', { agentId })).body['position'])
    const after = String(positions.get('ada'))
    const { body } = await apiGet(council, `/v1/agents?limit=1&after=${after}`)
    expect(body).toMatchObject({
      agents: [{ agent: 'ada', account: 'agent:ada', seedMicros: 50_000_000, registeredBy: 'admin' }],
      next: 'ada',
    })
    const rest = await apiGet(council, '/v1/agents?cursor=ada')
    expect(rest.body).toMatchObject({ agents: [{ agent: 'scout' }], next: null })
    expect((await apiGet(council, '/v1/agents/scout')).body).toMatchObject({ agent: 'scout' })
    expect((await apiGet(council, '/v1/treasury/accounts/agent:scout')).body).toMatchObject({
      balanceMicros: 50_000_000,
    })
  })

  test('are not found before, nor under a name that none can have', async () => {
    for (const name of ['unknown', '%20'])
      expect(await apiGet(council, `/v1/agents/${name}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})
