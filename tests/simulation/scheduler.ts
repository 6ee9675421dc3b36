import type { Clock } from '../../src/platform/clock.ts'
import type { Random } from './random.ts'

/** A process, a client or the network. It takes steps until it is killed; after that its steps never resolve. */
export type Owner = {
  readonly name: string
  readonly pid: number
  readonly alive: boolean
  readonly died: Promise<'died'>
  kill: () => void
}

export type Scheduler = {
  clock: Clock
  newOwner: (name: string) => Owner
  /** Resolves when the scheduler picks this step, after `afterMs` at the earliest. */
  step: (owner: Owner, what: string, afterMs?: number) => Promise<void>
  /** Advances the clock. */
  leap: (ms: number) => void
  /** Runs one step after another until none is waiting, or until `maxSteps` have run. */
  run: (maxSteps: number) => Promise<'at rest' | 'too long'>
}

type Task = { owner: Owner; what: string; readyAtMs: number; release: () => void }

/**
 * A virtual clock, and a scheduler that runs one step at a time in an order that the seed decides. Code in a run waits
 * only for steps and promises, so the same seed gives the same run.
 */
export function createScheduler(random: Random, startMs: number, note: (line: string) => void): Scheduler {
  const tasks: Task[] = []
  let nowMs = startMs
  let owners = 0

  /** The steps that may run now. If none may, the clock moves to the earliest one. */
  function ready(): [Task, ...Task[]] | undefined {
    for (let i = tasks.length - 1; i >= 0; i--) if (!tasks[i]?.owner.alive) tasks.splice(i, 1)
    if (tasks.length === 0) return undefined
    nowMs = Math.max(nowMs, Math.min(...tasks.map(({ readyAtMs }) => readyAtMs)))
    const [first, ...others] = tasks.filter(({ readyAtMs }) => readyAtMs <= nowMs)
    return first && [first, ...others]
  }

  return {
    clock: { nowMs: () => nowMs },

    newOwner(name) {
      const death = Promise.withResolvers<'died'>()
      let alive = true
      return {
        name,
        pid: ++owners,
        get alive() {
          return alive
        },
        died: death.promise,
        kill() {
          alive = false
          death.resolve('died')
        },
      }
    },

    step: (owner, what, afterMs = 0) =>
      new Promise((release) => void tasks.push({ owner, what, readyAtMs: nowMs + afterMs, release })),
    leap: (ms) => void (nowMs += ms),

    async run(maxSteps) {
      for (let steps = 0; steps < maxSteps; steps++) {
        await settled()
        const candidates = ready()
        if (!candidates) return 'at rest'
        const task = random.pick(candidates)
        tasks.splice(tasks.indexOf(task), 1)
        nowMs += random.below(3)
        note(`${nowMs - startMs} ${task.owner.name}: ${task.what}`)
        task.release()
      }
      return 'too long'
    },
  }
}

/** Runs all that follows from a step without a further one: every promise, and the ends of turns that gates wait for. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
