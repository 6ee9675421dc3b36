import type { Evidence } from '../harness/evidence.ts'
import type { Call } from '../harness/history.ts'
import { approvalFaults } from '../../support/approval-rules.ts'
import { bountyFaults } from '../../support/bounty-rules.ts'
import { checkArchive } from './archive.ts'
import { checkCalls, checkRemembered } from './calls.ts'
import { checkEndings, checkJobs, checkReadModels, checkStates } from './folds.ts'
import { checkLedger } from './ledger.ts'
import { checkLog, checkRealTime } from './order.ts'
import { violation, type Violation } from './violation.ts'

/**
 * Compares every promise of the council with the recorded calls and with the stored data, as Jepsen does. It trusts no
 * report of the council about itself. Pure.
 */
export function check(calls: readonly Call[], evidence: Evidence): Violation[] {
  const { events } = evidence
  return [
    ...checkCalls(calls, events),
    ...checkRemembered(evidence.remembered, events),
    ...checkLog(evidence),
    ...checkRealTime(calls, events),
    ...checkLedger(events),
    ...approvalFaults(events).map((what) => violation('approval', what)),
    ...bountyFaults(events).map((what) => violation('bounty', what)),
    ...checkStates(evidence.states, events),
    ...checkJobs(evidence.jobs, events),
    ...checkEndings(events),
    ...checkArchive(evidence.archived),
    ...checkReadModels(evidence.readModels, events),
  ]
}
