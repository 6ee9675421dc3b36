import type { Clock } from '../../src/platform/clock.ts'
import type { Random } from './random.ts'

/** A process, a client, the network: whoever takes steps. The dead take none; what they wait for never comes. */
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
  /** Resolves when it is this step's turn, not before `afterMs` have passed. */
  step: (owner: Owner, what: string, afterMs?: number) => Promise<void>
  /** Lets time pass for everybody. */
  leap: (ms: number) => void
  /** Releases one step after another until nobody waits for one any more, or there were too many. */
  run: (maxSteps: number) => Promise<'at rest' | 'too long'>
}

type Task = { owner: Owner; what: string; readyAtMs: number; release: () => void }

/**
 * A virtual clock, and one step at a time in an order that the seed decides. Nothing in a run waits for anything but steps and
 * promises, so the same seed is the same run.
 */
export function createScheduler(random: Random, startMs: number, note: (line: string) => void): Scheduler {
  const tasks: Task[] = []
  let nowMs = startMs
  let owners = 0

  /** Those whose turn it may be; where there are none the clock moves on to the next. */
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
        await quiet()
        if (tasks.length === 0) await rest()
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

/** Longer than any chain of promises between two steps; one that were longer would only be overtaken, in the same way every time. */
const turns = 40

/** Lets everything happen that a step has led to. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}

/** Lets everything happen that can happen without another step. */
const rest = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
