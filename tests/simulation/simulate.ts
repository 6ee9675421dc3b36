import { treasuryStream } from '../../src/events/treasury.ts'
import { accountStream, AccountId } from '../../src/events/account.ts'
import type { StreamName } from '../../src/events/identifiers.ts'
import { violationsOf } from './checker.ts'
import { operate } from './operator.ts'
import { isKnownAnswer, startClients } from './clients.ts'
import { createWorld, type Plant } from './world.ts'

/** What came of one run. */
export type Run = { violations: string[]; commands: number; events: number; trace: string[] }

/** Far more than any run takes; one that gets there goes round in circles. */
const maxSteps = 40_000
const days = [
  '2026-11-23',
  '2026-11-24',
  '2026-11-25',
  '2026-11-26',
  '2026-11-27',
  '2026-11-28',
  '2026-11-29',
  '2026-11-30',
  '2026-12-01',
]
const known: StreamName[] = [
  treasuryStream,
  ...['external', 'overrun', 'spend', 'reserve', 'agent:ada', 'agent:bob', 'bounty:moon'].map((id) =>
    accountStream(AccountId.parse(id)),
  ),
  ...days.map((day) => `refusals/${day}` as StreamName),
]

/** One run: the same for the same seed, step by step. */
export async function simulate(
  seed: number,
  { plant = {}, traced = false }: { plant?: Plant; traced?: boolean } = {},
): Promise<Run> {
  const trace: string[] = []
  const world = createWorld(seed, traced ? (line) => void trace.push(line) : () => undefined, plant)
  for (const stream of known) world.watch(stream)
  const { violations } = world
  let operating = true
  void operate(world)
    .catch(
      (error: unknown) => void violations.push(`the operator: ${error instanceof Error ? error.message : 'failed'}`),
    )
    .finally(() => (operating = false))
  const conduct = startClients(world)
  const end = await world.scheduler.run(maxSteps)
  if (end === 'too long') violations.push(`the run did not come to rest within ${maxSteps} steps`)
  if (operating) violations.push('the operator waits for ever')
  if (conduct.left() > 0) violations.push(`${conduct.left()} clients wait for ever`)
  for (const answer of conduct.abuses)
    if (!isKnownAnswer(answer))
      violations.push(`another command under a used id was answered with ${JSON.stringify(answer)}`)
  violations.push(...(await violationsOf(world, conduct.history)))
  return { violations, commands: conduct.history.length, events: world.server.sequence(), trace }
}
