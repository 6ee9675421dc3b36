import { treasuryStream } from '../../src/events/treasury.ts'
import { accountStream } from '../../src/events/account.ts'
import { councilStream } from '../../src/events/council.ts'
import { AgentId, agentStream } from '../../src/events/agent.ts'
import { AccountId, type StreamName } from '../../src/events/identifiers.ts'
import { modeStream } from '../../src/events/governance.ts'
import { policyStream } from '../../src/events/policy.ts'
import { pricesStream } from '../../src/events/prices.ts'
import { violationsOf } from './checker.ts'
import { boundScopes, pricedNames } from './client-commands.ts'
import { operate } from './operator.ts'
import { isKnownAnswer, startClients } from './clients.ts'
import { createWorld, type Plant } from './world.ts'

/** The result of one run. */
export type Run = { violations: string[]; commands: number; events: number; trace: string[] }

/** More steps than any run needs. A run that reaches this number does not end. */
const maxSteps = 40_000
/** The days that a run may reach. */
const days = Array.from({ length: 9 }, (_, n) => new Date(Date.UTC(2026, 10, 23 + n)).toISOString().slice(0, 10))
const watched: StreamName[] = [
  treasuryStream,
  modeStream,
  ...['external', 'overrun', 'spend', 'reserve', 'agent:ada', 'agent:bob', 'agent:scout', 'bounty:moon'].map((id) =>
    accountStream(AccountId.parse(id)),
  ),
  ...days.flatMap((day) => [`refusals/${day}`, `budget/council/${day}`] as StreamName[]),
  councilStream('main'),
  agentStream(AgentId.parse('scout')),
  ...boundScopes.map(policyStream),
  ...pricedNames.map(pricesStream),
]

/** Runs one simulation. The same seed gives the same steps. */
export async function simulate(
  seed: number,
  { plant = {}, traced = false }: { plant?: Plant; traced?: boolean } = {},
): Promise<Run> {
  const trace: string[] = []
  const world = createWorld(seed, traced ? (line) => void trace.push(line) : () => undefined, plant)
  for (const stream of watched) world.watch(stream)
  const { violations } = world
  let operating = true
  void operate(world)
    .catch(
      (error: unknown) => void violations.push(`the operator: ${error instanceof Error ? error.message : 'failed'}`),
    )
    .finally(() => (operating = false))
  const clients = startClients(world)
  const end = await world.scheduler.run(maxSteps)
  if (end === 'too long') violations.push(`the run did not come to rest within ${maxSteps} steps`)
  if (operating) violations.push('the operator did not finish')
  if (clients.left() > 0) violations.push(`${clients.left()} clients did not finish`)
  for (const answer of clients.answersToReuse)
    if (!isKnownAnswer(answer))
      violations.push(`another command under a used id was answered with ${JSON.stringify(answer)}`)
  violations.push(...(await violationsOf(world, clients.history, clients.clockTokens)))
  return { violations, commands: clients.history.length, events: world.server.sequence(), trace }
}
