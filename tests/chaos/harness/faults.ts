import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { setTimeout as lasting } from 'node:timers/promises'
import { promisify } from 'node:util'
import { aofFile } from './aof.ts'
import { leaseMs } from './child-options.ts'
import type { Fault } from './fault.ts'
import type { Part, Role } from './part.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'
import { stoppingFaults } from './stopping-faults.ts'
import { canMount, fillDisk } from './tmpfs.ts'

const run = promisify(execFile)

/** Longer than the timeout of a command and the lease of a job. */
const longMs = 3_500

/** A fault that reports no violations. */
const fault = (name: string, strike: (stage: Stage, random: Random) => Promise<unknown>): Fault => ({
  name,
  async strike(stage, random) {
    await strike(stage, random)
    return []
  },
})

const killed = (role: Role): Fault =>
  fault(`kill-${role}`, async (stage, random) => {
    const part = random.pick(stage.of(role))
    await part.kill()
    await part.start()
  })

/** Suspends a process for longer than its lease. */
const frozen = (role: Role): Fault =>
  fault(`freeze-${role}`, async (stage, random) => {
    const part = random.pick(stage.of(role))
    part.signal('SIGSTOP')
    await lasting(Math.max(leaseMs * 2, longMs))
    part.signal('SIGCONT')
  })

/** A fault of one process's connections. */
const cut = (name: string, strike: (part: Part, random: Random) => Promise<unknown>): Fault =>
  fault(name, (stage, random) => strike(random.pick(stage.parts), random))

/** Faults from which the council recovers by itself. */
const passingFaults: readonly Fault[] = [
  fault('kill-redis', async ({ redis }, random) => {
    await redis.kill()
    await lasting(random.below(800))
    await redis.start()
  }),
  fault('freeze-redis', async ({ redis }) => {
    redis.signal('SIGSTOP')
    await lasting(longMs)
    redis.signal('SIGCONT')
  }),
  killed('gate'),
  killed('worker'),
  killed('projector'),
  killed('archiver'),
  frozen('gate'),
  frozen('worker'),
  cut('latency', async ({ proxy }, random) => {
    proxy.latency(random.between(50, 600))
    await lasting(2_000)
    proxy.heal()
  }),
  cut('black-hole', async ({ proxy }) => {
    proxy.blackHole()
    await lasting(longMs)
    proxy.heal()
  }),
  cut('half-open', async ({ proxy }) => proxy.halfOpen()),
  cut('reset', async ({ proxy }) => proxy.reset()),
  fault('cut-before-reply', (stage, random) => random.pick(stage.of('gate')).proxy.cutBeforeReply('eval')),
  fault('disk-full', async ({ redis }, random) => {
    const { size } = await stat(await aofFile(redis))
    await run('prlimit', ['--pid', String(redis.pid()), `--fsize=${size + random.between(1, 20_000)}`])
    await redis.ended()
    await redis.start()
  }),
  ...(canMount
    ? [fault('disk-full-tmpfs', ({ redis }, random) => fillDisk(redis, random.between(4_096, 60_000)))]
    : []),
  // It moves only the clock of the gate, because Redis uses the clock of the machine.
  fault('clock-jump', async (stage, random) => random.pick(stage.of('gate')).signal('SIGUSR2')),
]

export const faults: readonly Fault[] = [...passingFaults, ...stoppingFaults]

/** Throws for a name that no fault has. */
export function faultNamed(name: string): Fault {
  const found = faults.find((candidate) => candidate.name === name)
  if (!found) throw new Error(`there is no fault ${name}: ${faults.map((candidate) => candidate.name).join(', ')}`)
  return found
}
