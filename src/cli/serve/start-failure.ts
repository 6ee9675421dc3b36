import { messageOf } from '../../platform/platform-error.ts'

/** A start that did not get further than one of its steps. Its code is that of its cause. */
export class StartFailed extends Error {
  readonly step: string

  constructor(step: string, cause: unknown) {
    super(`${step} failed: ${messageOf(cause)}`, { cause })
    this.name = 'StartFailed'
    this.step = step
  }
}

/** Does one step of a start. Whatever it throws becomes a StartFailed that names the step, the innermost one where steps have steps. */
export async function inStep<Result>(step: string, work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StartFailed ? error : new StartFailed(step, error)
  }
}

/**
 * Like Promise.all, but waits for those that still start before it throws: what came up next to a failure is known by then, and
 * is stopped.
 */
export async function allStarted<const T extends readonly unknown[]>(
  starting: T,
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}
