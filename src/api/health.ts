import type { Logger } from '../platform/logger.ts'
import { messageOf } from '../platform/platform-error.ts'

export type Status = 'pass' | 'warn' | 'fail'

/** How a part is. `output`: what it is, or what is wrong and what to do. */
export type Finding = { status: Status; output: string }

/** One part of the council, as it was when it was last looked at. */
export type Check = Finding & {
  name: string
  /** `real`: a server of its own. `embedded`: for one machine, inside this program's care. `missing`: not there. */
  kind: 'real' | 'embedded' | 'missing' | 'internal'
  /** When it was looked at. */
  atMs: number
}

/** How to look at a part. */
export type HealthCheck = Pick<Check, 'name' | 'kind'> & {
  /** Whether no commands can be recorded, or no prompts taken, without it. Only such a part fails, and readiness with it; others warn. */
  isNeeded: boolean
  /** What it throws says what is wrong. */
  look: () => Promise<Finding>
  /** A part that says nothing for so long is out of order. */
  withinMs?: number
}

export type Health = {
  /** The last look at every part; never looks itself, so that probes cost nothing. */
  current: () => { status: Status; checks: Check[] }
  stop: () => void
}

const intervalMs = 5_000
const defaultWithinMs = 3_000

/** Looks at every part in the background, and logs each change. Resolves after the first look. */
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

/** Looks at one part, never twice at once: a slow part does not hold up the others, and keeps its name. */
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
        'a part has changed its health',
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
