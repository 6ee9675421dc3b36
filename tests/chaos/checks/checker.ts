import type { Evidence } from '../harness/evidence.ts'
import type { Call } from '../harness/history.ts'
import { checkArchive } from './archive.ts'
import { checkCalls, checkRemembered } from './calls.ts'
import { checkEndings, checkJobs, checkReadModels, checkStates } from './folds.ts'
import { checkLedger } from './ledger.ts'
import { checkLog, checkRealTime } from './order.ts'
import type { Violation } from './violation.ts'

/**
 * Everything that the council promises, held against what its callers were told and what is there, in the manner of Jepsen: the
 * calls are judged from outside, and nothing that the council says of itself is believed. Pure.
 */
export function check(calls: readonly Call[], evidence: Evidence): Violation[] {
  const { events } = evidence
  return [
    ...checkCalls(calls, events),
    ...checkRemembered(evidence.remembered, events),
    ...checkLog(evidence),
    ...checkRealTime(calls, events),
    ...checkLedger(events),
    ...checkStates(evidence.states, events),
    ...checkJobs(evidence.jobs, events),
    ...checkEndings(events),
    ...checkArchive(evidence.archived),
    ...checkReadModels(evidence.readModels, events),
  ]
}
