import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'

/**
 * SIMULATION_SEED=7 npx vitest run tests/simulation/simulation.test.ts     one run; a failure prints every step
 * SIMULATION_SEEDS=100000 npx vitest run tests/simulation/simulation.test.ts     many more runs
 */
const numberFrom = (name: string): number | undefined =>
  process.env[name] === undefined ? undefined : Number(process.env[name])
const chosen = numberFrom('SIMULATION_SEED')
const seeds = numberFrom('SIMULATION_SEEDS') ?? 2_000
const together = 250
const lastSteps = 400

/** The violations of a seed, with the command that repeats it; undefined if there are none. */
async function failureOf(seed: number, traced: boolean): Promise<string | undefined> {
  const { violations, trace } = await simulate(seed, { traced })
  if (violations.length === 0) return undefined
  return [
    `seed ${seed}: ${violations.length} violations`,
    ...violations.slice(0, 10).map((violation) => `- ${violation}`),
    ...trace.slice(-lastSteps).map((line) => `  ${line}`),
    `to repeat it: SIMULATION_SEED=${seed} npx vitest run tests/simulation/simulation.test.ts`,
  ].join('\n')
}

describe('gates, projectors and readers, while networks, processes and Redis fail,', () => {
  const starts =
    chosen === undefined
      ? Array.from({ length: Math.ceil(seeds / together) }, (_, index) => 1 + index * together)
      : [chosen]

  test.each(starts)('keep every promise, from seed %i on', { timeout: 300_000 }, async (start) => {
    const end = chosen === undefined ? Math.min(start + together, seeds + 1) : start + 1
    for (let seed = start; seed < end; seed++) {
      const failure = await failureOf(seed, chosen !== undefined)
      if (failure !== undefined) expect.fail(failure)
    }
    expect(end).toBeGreaterThan(start)
  })
})

describe('a simulation', () => {
  test('repeats every step for the same seed, and differs for another one', async () => {
    const first = await simulate(1, { traced: true })
    expect(first.trace.length).toBeGreaterThan(200)
    expect(await simulate(1, { traced: true })).toEqual(first)
    expect((await simulate(2, { traced: true })).trace).not.toEqual(first.trace)
  })

  test('executes commands and writes events', async () => {
    const { commands, events } = await simulate(3)
    expect(commands).toBeGreaterThan(25)
    expect(events).toBeGreaterThan(25)
  })
})
