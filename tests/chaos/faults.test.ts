import { describe, expect, inject, test } from 'vitest'
import { faultNamed } from './harness/faults.ts'
import { runRound } from './harness/round.ts'

/** The short form of `npm run chaos`: one council of real processes under load, and several faults of it in a row. */
const roundMs = 120_000
const names = (list: string) => list.split(' ').map(faultNamed)

describe('a council of real processes under load keeps every promise', () => {
  test.each([
    [11, 'kill-redis kill-gate cut-before-reply disk-full kill-worker freeze-worker'],
    [12, 'older-aof half-open'],
  ])(
    'with seed %i through %s',
    async (seed, list) => {
      const { violations, calls } = await runRound(inject('postgresUrl'), seed, names(list))
      expect(violations).toEqual([])
      expect(calls.ok).toBeGreaterThan(100)
      expect(calls.refused).toBeGreaterThan(10)
    },
    roundMs,
  )
})
