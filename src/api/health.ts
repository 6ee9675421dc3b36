/** One part that the council stands on, as it was when it was last looked at. */
export type Check = {
  name: string
  status: 'pass' | 'warn' | 'fail'
  /** `real`: a server of its own. `embedded`: for one machine, inside this program's care. `missing`: not there. */
  kind: 'real' | 'embedded' | 'missing' | 'internal'
  /** What it is, or what is wrong and what to do. */
  output: string
}

export type CheckFunction = () => Promise<Check>

export type Health = {
  /** The last look at every part; never looks itself, so that probes cost nothing. */
  current: () => { status: 'pass' | 'warn' | 'fail'; checks: Check[]; checkedAt: string }
  stop: () => void
}

const intervalMs = 5_000
const checkTimeoutMs = 3_000

/** Looks at every part in the background. Resolves after the first look. */
export async function watchHealth(checks: readonly CheckFunction[], nowMs: () => number): Promise<Health> {
  let latest = await look(checks)
  let checkedAt = nowMs()
  const timer = setInterval(() => {
    void look(checks).then((found) => {
      latest = found
      checkedAt = nowMs()
    })
  }, intervalMs)
  timer.unref()
  return {
    current: () => ({ status: worst(latest), checks: latest, checkedAt: new Date(checkedAt).toISOString() }),
    stop: () => clearInterval(timer),
  }
}

const look = (checks: readonly CheckFunction[]): Promise<Check[]> =>
  Promise.all(
    checks.map(async (check, index) => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<Check>((resolve) => {
        timer = setTimeout(() => resolve({ name: `check ${index}`, status: 'fail', kind: 'internal', output: `no answer within ${checkTimeoutMs} ms` }), checkTimeoutMs)
      })
      try {
        return await Promise.race([check(), late])
      } catch (error) {
        return { name: `check ${index}`, status: 'fail', kind: 'internal', output: error instanceof Error ? error.message : String(error) }
      } finally {
        clearTimeout(timer)
      }
    }),
  )

function worst(checks: readonly Check[]): 'pass' | 'warn' | 'fail' {
  if (checks.some(({ status }) => status === 'fail')) return 'fail'
  return checks.some(({ status }) => status === 'warn') ? 'warn' : 'pass'
}
