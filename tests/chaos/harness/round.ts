import { check } from '../checks/checker.ts'
import { violation, type Violation } from '../checks/violation.ts'
import type { Fault } from './fault.ts'
import { seeded } from './random.ts'
import { raiseStage } from './stage.ts'

/** What a round came to. */
export type RoundResult = {
  violations: readonly Violation[]
  /** Executions, by what their callers were told. */
  calls: { ok: number; refused: number; rejected: number; unknown: number }
  events: number
}

/** Between two faults every gate answers so many commands: the council has recovered. */
const answersBetween = 30

/** Brings a council up under load, lets the faults happen to it one after another, and judges what is left. */
export async function runRound(postgresUrl: string, seed: number, faults: readonly Fault[]): Promise<RoundResult> {
  const random = seeded(seed)
  const stage = await raiseStage(postgresUrl, seed)
  try {
    const found: Violation[] = []
    await stage.progress(answersBetween)
    for (const { name, strike } of faults) {
      found.push(...(await strike(stage, random)))
      if (found.length > 0)
        return { violations: found, calls: { ok: 0, refused: 0, rejected: 0, unknown: 0 }, events: 0 }
      await stage
        .progress(answersBetween)
        .catch((error: unknown) => found.push(violation('did not recover', `after ${name}: ${String(error)}`)))
    }
    const { calls, evidence } = await stage.finish()
    const counts = { ok: 0, refused: 0, rejected: 0, unknown: 0 }
    for (const { outcome } of calls) counts[outcome.kind]++
    return { violations: [...found, ...check(calls, evidence)], calls: counts, events: evidence.events.length }
  } finally {
    await stage.close()
  }
}
