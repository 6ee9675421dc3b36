import { AccountId, type Principal } from '../../events/identifiers.ts'
import type { BountyWorker } from '../../events/bounty.ts'

/** Whether a principal may act for a worker. An agent acts for itself only; a person may also act for others. */
export const mayActFor = (principal: Principal, worker: BountyWorker): boolean =>
  !principal.startsWith('agent:') || principal === (worker as string)

/** The account that the worker is paid to. A person is paid outside: the money leaves the system. */
export const payeeOf = (worker: BountyWorker): AccountId =>
  AccountId.parse(worker.startsWith('agent:') ? worker : 'external')
