import type { Logger } from '../platform/logger.ts'
import { messageOf } from '../platform/platform-error.ts'

export type Status = 'pass' | 'warn' | 'fail'

/** The state of a part. `output` describes the part, or the problem and its remedy. */
export type Finding = { status: Status; output: string }

/** One part of the council at its last check. */
export type Check = Finding & {
  name: string
  /** `real`: a server of its own. `embedded`: run by this program, for one machine. `missing`: absent. */
  kind: 'real' | 'embedded' | 'missing' | 'internal'
  atMs: number
}

/** How to check a part. */
export type HealthCheck = Pick<Check, 'name' | 'kind'> & {
  /** Whether the council needs it to record commands or take prompts. Only such a part fails, and readiness with it; others warn. */
  isNeeded: boolean
  /** Throws an error that describes the problem. */
  look: () => Promise<Finding>
  /** A check that takes longer fails. */
  withinMs?: number
}

export type Health = {
  /** The result of the last check of every part. Runs no checks, so probes are cheap. */
  current: () => { status: Status; checks: Check[] }
  stop: () => void
}

const intervalMs = 5_000
const defaultWithinMs = 3_000

/** Checks every part in the background and logs each change. Resolves after the first check. */
export async function watchHealth(
  checks: readonly HealthCheck[],
  nowMs: () => number,
  logger: Logger,
): Promise<Health> {
  const watches = checks.map((check) => watchPart(check, nowMs, logger))
  const lookAtAll = () => Promise.all(watches.map((watch) => watch.look()))
  await lookAtAll()
  const timer = setInterval(() => void lookAtAll(), intervalMs)
  timer.unref()
  return {
    current() {
      const latest = watches.map((watch) => watch.latest())
      return { status: worst(latest), checks: latest }
    },
    stop: () => clearInterval(timer),
  }
}

/** Runs at most one check of a part at a time, independently of other parts. */
function watchPart(
  { name, kind, isNeeded, look, withinMs = defaultWithinMs }: HealthCheck,
  nowMs: () => number,
  logger: Logger,
) {
  let latest: Check = { name, kind, status: 'pass', output: 'not looked at yet', atMs: nowMs() }
  let isLooking = false
  const found = ({ status, output }: Finding): void => {
    const before = latest.status
    latest = { name, kind, status: status === 'fail' && !isNeeded ? 'warn' : status, output, atMs: nowMs() }
    if (latest.status !== before)
      logger[latest.status === 'pass' ? 'info' : 'warn'](
        { part: name, status: latest.status, output },
        'the health of a part changed',
      )
  }
  const lookOnce = async (): Promise<void> => {
    isLooking = true
    try {
      found(await look())
    } catch (error) {
      found({ status: 'fail', output: messageOf(error) })
    } finally {
      isLooking = false
    }
  }
  return {
    latest: () => latest,
    async look(): Promise<void> {
      const late = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => {
        found({ status: 'fail', output: `no answer within ${withinMs} ms` })
        late.resolve(undefined)
      }, withinMs)
      if (!isLooking) await Promise.race([lookOnce(), late.promise])
      clearTimeout(timer)
    },
  }
}

function worst(checks: readonly Check[]): Status {
  if (checks.some(({ status }) => status === 'fail')) return 'fail'
  return checks.some(({ status }) => status === 'warn') ? 'warn' : 'pass'
}
