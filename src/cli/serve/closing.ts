import type { Logger } from '../../platform/logger.ts'
import type { CliErrorCode } from '../failure.ts'

type Stop = () => void | PromiseLike<void>
type Step = { name: string; stop: Stop }

/** The shutdown of a council, in an order in which no part loses the writes of another. */
export type Closing = {
  /** Stops the part in reverse order of the starts, or at once if the shutdown has already begun. */
  defer: (stop: Stop, name: string) => void
  /** Stops as soon as the end begins, together with others of this kind and before everything else. */
  atOnce: (stop: Stop, name: string) => void
  /** Ends everything. True if every step ended in order and in time; the log names the others. Never rejects. */
  close: () => Promise<boolean>
}

/**
 * The shutdown takes `withinMs` at most, and each step a part of that, so a server that hangs delays only its own step. A step that
 * takes too long is abandoned; the caller then ends its child processes.
 */
export function createClosing(withinMs: number, logger: Logger): Closing {
  const first: Step[] = []
  const steps: Step[] = []
  const late: Promise<void>[] = []
  const underWay = new Set<string>()
  const hung: string[] = []
  let isClosing = false

  async function end({ name, stop }: Step): Promise<void> {
    underWay.add(name)
    const stopped = (async () => stop())().catch((error: unknown) =>
      logger.error({ err: error, step: name }, 'not everything could be stopped in order'),
    )
    if ((await within(withinMs / 4, stopped)) === 'late') hung.push(name)
    underWay.delete(name)
  }

  async function endAll(): Promise<void> {
    await Promise.all(first.map(end))
    for (let step = steps.pop(); step; step = steps.pop()) await end(step)
    while (late.length > 0) await late.pop()
  }

  return {
    defer: (stop, name) => void (isClosing ? late.push(end({ name, stop })) : steps.push({ name, stop })),
    atOnce: (stop, name) => void (isClosing ? late.push(end({ name, stop })) : first.push({ name, stop })),
    async close() {
      isClosing = true
      const isLate = (await within(withinMs, endAll())) === 'late'
      if (isLate) hung.push(...underWay, ...steps.map(({ name }) => `${name} (not begun)`).toReversed())
      if (hung.length === 0) return true
      logger.error(
        { code: 'shutdown_cut_short' satisfies CliErrorCode, hung, withinMs },
        `the shutdown was cut short: ${hung.join(', ')} did not end in time; what still runs of this council is killed`,
      )
      return false
    },
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<'done' | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), ms)))
  const outcome = await Promise.race([work.then(() => 'done' as const), late])
  clearTimeout(timer)
  return outcome
}
