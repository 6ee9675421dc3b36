import { AccountId, isAgent, type Principal } from '../../events/identifiers.ts'
import type { BountyWorker } from '../../events/bounty.ts'
import { adminSubject } from '../../events/token.ts'

/**
 * Whether a principal may act for a worker. An agent acts for itself only. A person acts for itself and for agents, which pays their
 * accounts and not the person; `admin` acts for anyone.
 */
export function mayActFor(principal: Principal, worker: BountyWorker): boolean {
  if (isAgent(principal)) return principal === (worker as string)
  if (principal === adminSubject || worker.startsWith('agent:')) return true
  return worker === (principal.startsWith('user:') ? principal : `user:${principal}`)
}

/** The account that the worker is paid to. A person is paid outside: the money leaves the system. */
export const payeeOf = (worker: BountyWorker): AccountId =>
  AccountId.parse(worker.startsWith('agent:') ? worker : 'external')
