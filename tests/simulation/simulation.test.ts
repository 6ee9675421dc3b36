import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'

/**
 * SIMULATION_SEED=7 npx vitest run tests/simulation/simulation.test.ts     one run, told step by step where it fails
 * SIMULATION_SEEDS=100000 npx vitest run tests/simulation/simulation.test.ts     many more than usual
 */
const numberFrom = (name: string): number | undefined =>
  process.env[name] === undefined ? undefined : Number(process.env[name])
const chosen = numberFrom('SIMULATION_SEED')
const seeds = numberFrom('SIMULATION_SEEDS') ?? 2_000
const together = 250
const lastSteps = 400

const repeating = (seed: number) => `SIMULATION_SEED=${seed} npx vitest run tests/simulation/simulation.test.ts`

/** One seed: what it violated, told with how to see it again. */
async function complaint(seed: number, traced: boolean): Promise<string | undefined> {
  const { violations, trace } = await simulate(seed, { traced })
  if (violations.length === 0) return undefined
  const told = trace.slice(-lastSteps).map((line) => `  ${line}`)
  return [
    `seed ${seed}: ${violations.length} violations`,
    ...violations.slice(0, 10).map((violation) => `- ${violation}`),
    ...told,
    `to repeat it: ${repeating(seed)}`,
  ].join('\n')
}

describe('gates, projectors and readers over a log whose network, processes and Redis fail', () => {
  const starts =
    chosen === undefined
      ? Array.from({ length: Math.ceil(seeds / together) }, (_, index) => 1 + index * together)
      : [chosen]

  test.each(starts)('keep every promise, from seed %i on', { timeout: 300_000 }, async (start) => {
    const end = chosen === undefined ? Math.min(start + together, seeds + 1) : start + 1
    for (let seed = start; seed < end; seed++) {
      const why = await complaint(seed, chosen !== undefined)
      if (why !== undefined) expect.fail(why)
    }
    expect(end).toBeGreaterThan(start)
  })
})

describe('a simulation', () => {
  test('is the same, step by step, for the same seed, and another one for another', async () => {
    const [first, again, other] = [
      await simulate(1, { traced: true }),
      await simulate(1, { traced: true }),
      await simulate(2, { traced: true }),
    ]
    expect(first.trace.length).toBeGreaterThan(200)
    expect(again).toEqual(first)
    expect(other.trace).not.toEqual(first.trace)
  })

  test('is of something: commands are done, and events are written', async () => {
    const { commands, events } = await simulate(3)
    expect(commands).toBeGreaterThan(25)
    expect(events).toBeGreaterThan(25)
  })
})
