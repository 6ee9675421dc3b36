import { messageOf } from '../../platform/platform-error.ts'

/** A start that failed at one of its steps. Its code is the code of its cause. */
export class StartFailed extends Error {
  readonly step: string

  constructor(step: string, cause: unknown) {
    super(`${step} failed: ${messageOf(cause)}`, { cause })
    this.name = 'StartFailed'
    this.step = step
  }
}

/** Runs one step of a start. An error becomes a StartFailed that names the step; of nested steps it names the innermost. */
export async function inStep<Result>(step: string, work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StartFailed ? error : new StartFailed(step, error)
  }
}

/**
 * Like Promise.all, but throws only after every start has ended: the parts that did start are then registered for the shutdown.
 */
export async function allStarted<const T extends readonly unknown[]>(
  starting: T,
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}
