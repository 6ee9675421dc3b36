import { expect, test } from 'vitest'
import { pauseFor, supervise, type PausesMs } from '../../src/platform/backoff.ts'

/** Runs the steps one after another, then aborts; returns the pauses between them. */
async function pausesOf(
  steps: readonly ('fails' | 'fails for good' | 'progresses and fails' | 'ends')[],
  pausesMs?: PausesMs,
) {
  const abort = new AbortController()
  const pauses: number[] = []
  let runs = 0
  await supervise(
    {
      async run(progressed) {
        const step = steps[runs++]
        if (step === undefined) return abort.abort()
        if (step === 'progresses and fails') progressed()
        if (step !== 'ends') throw new Error(step)
      },
      onFailure: (error) => (error instanceof Error && error.message === 'fails for good' ? 'stop' : 'retry'),
      pause: async (ms) => void pauses.push(ms),
      ...(pausesMs && { pausesMs }),
    },
    abort.signal,
  )
  return { pauses, runs }
}

test('doubles the pause after each failure, up to 5 s', async () => {
  const { pauses } = await pausesOf(Array.from({ length: 8 }, () => 'fails' as const))
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
})

test('takes the pauses of its caller, and repeats the last one', async () => {
  expect((await pausesOf(['fails', 'fails', 'fails', 'fails'], [7, 30])).pauses).toEqual([7, 30, 30, 30])
})

test('starts with the first pause again after progress, and without a pause after a run that ended', async () => {
  expect((await pausesOf(['fails', 'fails', 'progresses and fails', 'ends', 'fails'])).pauses).toEqual([
    100, 200, 100, 200,
  ])
})

test('ends at a failure that no later run can heal', async () => {
  expect(await pausesOf(['fails', 'fails for good', 'fails'])).toEqual({ pauses: [100], runs: 2 })
})

test('ends without a report when the signal aborts during a run or a pause', async () => {
  const abort = new AbortController()
  const stop = async () => {
    abort.abort()
    throw new Error('cut off')
  }
  await supervise({ run: stop, onFailure: () => expect.unreachable() }, abort.signal)
  await pauseFor(60_000, abort.signal)
})
