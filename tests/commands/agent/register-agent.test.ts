import { describe, expect, test } from 'vitest'
import { RegisterAgent } from '../../../src/commands/agent/register-agent.ts'
import { account } from '../../../src/commands/aggregates/account.ts'
import { agent } from '../../../src/commands/aggregates/agent.ts'
import { treasury } from '../../../src/commands/aggregates/treasury.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { AgentId, type AgentEvent } from '../../../src/events/agent.ts'
import type { TreasuryEvent } from '../../../src/events/treasury.ts'
import type { RefusalCode } from '../../../src/commands/refusals.ts'
import { given } from '../../support/decider.ts'
import { newId } from '../../support/council.ts'
import { suiteProcesses } from '../../support/lifetimes.ts'
import { credited, frozen, id, limited, opened } from '../../support/treasury.ts'

const agentId = AgentId.parse('ada')
const reads = { agent, account, reserve: account, treasury }
const registered: AgentEvent = {
  type: 'AgentRegistered',
  data: { agentId, account: id('agent:ada'), seedMicros: 50_000_000 },
}
const rich = [opened('reserve'), credited(50_000_000)]
const seed = { transferId: 'seed', amountMicros: 50_000_000, reason: 'seeds an agent', ref: 'ada' }

describe('registering an agent', () => {
  test('opens its account with the limits of an agent, and moves its seed from the reserve', () => {
    given(reads, { reserve: rich })
      .when(RegisterAgent, { agentId })
      .then({
        accepted: {
          agent: [registered],
          account: [
            opened('agent:ada'),
            limited(100_000_000, 10_000_000),
            { type: 'AccountCredited', data: { ...seed, purpose: 'seed', day: '2026-11-23' } },
          ],
          reserve: [{ type: 'AccountDebited', data: { ...seed, day: '2026-11-23' } }],
        },
      })
  })

  test.each([
    ['that exists', { agent: [registered], reserve: rich }, 'agent_exists'],
    ['whose account exists', { account: [opened('agent:ada')], reserve: rich }, 'account_exists'],
    [
      'while the treasury is frozen',
      { reserve: rich, treasury: [{ type: 'TreasuryFrozen', data: { reason: 'x' } }] },
      'treasury_frozen',
    ],
    ['while the reserve is frozen', { reserve: [...rich, frozen] }, 'account_frozen'],
    ['that the reserve cannot seed', { reserve: [opened('reserve'), credited(49_999_999)] }, 'insufficient_funds'],
    ['before there is a reserve', {}, 'account_unknown'],
  ] as [
    string,
    { agent?: AgentEvent[]; account?: AccountEvent[]; reserve?: AccountEvent[]; treasury?: TreasuryEvent[] },
    RefusalCode,
  ][])('is refused for one %s', (_, history, code) => {
    given(reads, history).when(RegisterAgent, { agentId }).thenMatches({ refused: code })
  })

  test.each(['', 'a/b', 'a:b', 'x'.repeat(65)])('under the name "%s" is malformed', (name) => {
    expect(RegisterAgent.schema.safeParse({ agentId: name }).success).toBe(false)
  })
})

test('two processes that register the same agent at once seed it once', async () => {
  const [council, other] = await suiteProcesses()
  for (const name of ['external', 'reserve']) await council.execute(OpenAccount, { account: id(name) })
  const money = { transferId: newId(), from: id('external'), to: id('reserve'), amountMicros: 500_000_000, reason: 'x' }
  await council.execute(TransferFunds, money)
  const results = await Promise.all([council, other].map((process) => process.execute(RegisterAgent, { agentId })))
  expect(results.map(({ result }) => result).toSorted()).toEqual(['appended', 'refused'])
  expect((await council.events()).filter(({ type }) => type === 'AgentRegistered')).toHaveLength(1)
  const { state } = await council.gate.load(account, 'account/agent:ada' as never)
  expect(state).toMatchObject({ balanceMicros: 50_000_000 })
})
