import { isDeepStrictEqual } from 'node:util'
import { chainStart, extendChain } from '../../../src/events/log/archive/chain.ts'
import type { Archived } from '../harness/evidence.ts'
import { violation, type Violation } from './violation.ts'

/** The archive has the exact texts of the log, event by event, and their hash chain. */
export function checkArchive({ identity, hot, archived }: Archived): Violation[] {
  if (hot.length !== archived.length)
    return [violation('archive', `the log has ${hot.length} events, the archive ${archived.length}`)]
  let head = chainStart(identity)
  for (const [index, { chainHead, ...event }] of archived.entries()) {
    head = extendChain(head, event)
    if (!isDeepStrictEqual(event, hot[index]))
      return [violation('archive', `the archive has ${JSON.stringify(event)}, the log ${JSON.stringify(hot[index])}`)]
    if (head.toString('hex') !== chainHead) return [violation('archive', `the chain breaks at ${event.position}`)]
  }
  return []
}
