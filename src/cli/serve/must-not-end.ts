import { messageOf } from '../../platform/platform-error.ts'

/** Rejects when work that should run as long as the process fails. An orderly end is no failure. */
export async function mustNotEnd(done: Promise<void>, meaning: string): Promise<never> {
  try {
    await done
  } catch (error) {
    throw new Error(`${meaning}: ${messageOf(error)}`, { cause: error })
  }
  return new Promise<never>(() => undefined)
}
