import { afterAll, describe, expect, test } from 'vitest'
import { plantedFaults } from './planted-faults.ts'
import { simulate } from './simulate.ts'

/** A fault that is not found within so many seeds would be missed too often. */
const maxSeeds = 1_000

const found: { fault: string; seed: number; violated: string }[] = []
afterAll(() => {
  const width = Math.max(...found.map(({ fault }) => fault.length))
  console.log(
    [
      'planted fault → first seed that finds it → first violation',
      ...found.map(({ fault, seed, violated }) => `${fault.padEnd(width)} → ${String(seed).padStart(3)} → ${violated}`),
    ].join('\n'),
  )
})

describe('the simulation finds the fault', () => {
  test.each(Object.entries(plantedFaults))('%s', { timeout: 120_000 }, async (fault, plant) => {
    for (let seed = 1; seed <= maxSeeds; seed++) {
      const [violated] = (await simulate(seed, { plant })).violations
      if (violated === undefined) continue
      found.push({ fault, seed, violated })
      expect((await simulate(seed)).violations).toEqual([])
      return
    }
    expect.fail(`not found within ${maxSeeds} seeds`)
  })
})
