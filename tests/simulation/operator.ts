import type { World } from './world.ts'

/** The number of gates. */
const gateSlots = 3

const incidents = [
  'gate dies',
  'gate dies',
  'projector dies',
  'reader dies',
  'everything dies',
  'second projector',
  'release',
  'log loses events',
  'slow',
  'a day passes',
] as const
const longestWaitMs = 4_000
const longestOutageMs = 5_000
const slowMs = 11_000
const dayMs = 25 * 3_600_000

/**
 * Injects incidents as an operator sees them: processes die between any two steps and restart, releases replace each
 * other, and Redis loses events and is restored. At the end every process runs, and no more faults occur.
 */
export async function operate(world: World): Promise<void> {
  const { random, scheduler, server } = world
  const { step, newOwner } = scheduler
  const owner = newOwner('operator')
  const outages: Promise<unknown>[] = []
  let version = 1
  let isWhole = true
  for (let slot = 0; slot < gateSlots; slot++) world.startGate(slot)
  world.startProjector(version)
  world.startReader()

  for (let left = world.faultRates().incidents; left > 0; left--) {
    await step(owner, 'waits', random.below(longestWaitMs))
    await inject(random.pick(incidents))
  }
  await Promise.all(outages)
  world.stopFaults()
  startStopped()
  if (!world.projectors.some((projector) => projector.owner.alive && projector.version === version))
    world.startProjector(version)

  async function inject(kind: (typeof incidents)[number]): Promise<void> {
    switch (kind) {
      case 'gate dies':
        return void outages.push(gateDies(random.below(gateSlots)))
      case 'projector dies':
        return void outages.push(projectorsDie())
      case 'reader dies':
        return void outages.push(readerDies())
      case 'everything dies':
        return void outages.push(
          ...Array.from({ length: gateSlots }, (_, slot) => gateDies(slot)),
          projectorsDie(),
          readerDies(),
        )
      case 'second projector':
        return world.startProjector(version)
      case 'release':
        return world.startProjector(++version)
      case 'log loses events':
        return void outages.push(logLosesEvents())
      case 'slow':
        return scheduler.leap(slowMs)
      case 'a day passes':
        return scheduler.leap(random.happens(0.2) ? dayMs : slowMs)
      default:
        return kind satisfies never
    }
  }

  async function gateDies(slot: number): Promise<void> {
    world.gates[slot]?.owner.kill()
    await step(owner, `starts gate ${slot} again`, random.below(longestOutageMs))
    if (!world.gates[slot]?.owner.alive) world.startGate(slot)
  }

  async function projectorsDie(): Promise<void> {
    for (const projector of world.projectors) projector.owner.kill()
    await step(owner, 'starts the projector again', random.below(longestOutageMs))
    world.startProjector(version)
  }

  async function readerDies(): Promise<void> {
    world.killReader()
    await step(owner, 'starts the reader again', random.below(longestOutageMs))
    world.killReader()
    world.startReader()
  }

  async function logLosesEvents(): Promise<void> {
    const backup = server.moment()
    await step(owner, 'has made a backup', random.below(longestWaitMs))
    if (!isWhole || server.sequence() === backup.sequence) return
    isWhole = false
    const whole = server.moment()
    world.resetLog(backup, whole)
    await step(owner, `restores ${whole.sequence - backup.sequence} events`, random.below(longestOutageMs))
    if (server.sequence() > backup.sequence) world.violations.push('a gate wrote to a log that had lost events')
    world.resetLog(whole, null)
    isWhole = true
    startStopped()
  }

  /** Restarts gates that have stopped or died, and projectors of this release that have stopped. */
  function startStopped(): void {
    world.gates.forEach(({ gate, owner: process }, slot) => {
      if (process.alive && !gate.stoppedBy()) return
      process.kill()
      world.startGate(slot)
    })
    for (const projector of world.projectors)
      if (
        projector.owner.alive &&
        projector.version === version &&
        projector.subscriptions.some(({ state }) => state === 'stopped')
      ) {
        projector.owner.kill()
        world.startProjector(version)
      }
  }
}
