import type { FoldOf } from '../folds.ts'
import type { EventMacs } from '../integrity/mac.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { ReportFault } from './audit-faults.ts'
import { createDigestSet } from './digest-set.ts'

/** `unvouched`: the number of events at the beginning of the log that are older than MACs. */
export type Authenticity = { check: (event: StoredEvent) => void; counts: () => { genuine: number; unvouched: number } }

/**
 * Checks the MAC of every event, which covers the log, the stream and the revision. On an append-only stream it does not cover the
 * revision, so the check also rejects repeated events there.
 */
export function authenticityCheck(
  incarnation: string,
  macs: EventMacs,
  foldOf: FoldOf,
  report: ReportFault,
): Authenticity {
  const seenOnAppendOnly = createDigestSet()
  let genuine = 0
  let unvouched = 0

  return {
    counts: () => ({ genuine, unvouched }),
    check(event) {
      if (event.mac === '') {
        if (genuine === 0) unvouched++
        else report('mac_missing', event, `${event.type} at ${event.position} has no MAC, though earlier events have`)
        return
      }
      const isAppendOnly = foldOf(event.stream)?.appendOnly ?? false
      const verdict = isGenuine(event, incarnation, macs, isAppendOnly)
      if (verdict === 'genuine') genuine++
      if (verdict === 'forged')
        report(
          'mac_forged',
          event,
          `${event.type} at ${event.position} is not as a gate of this council wrote it: its MAC does not match`,
        )
      if (verdict === 'key_unknown')
        report(
          'mac_key_unknown',
          event,
          `the MAC of ${event.type} at ${event.position} names the key ${event.mac.slice(0, event.mac.indexOf('.'))}, which is not in MAC_KEY_FILE`,
        )
      if (isAppendOnly && !seenOnAppendOnly.add(`${event.stream} ${event.mac}`))
        report('event_repeated', event, `${event.type} at ${event.position} is in ${event.stream} a second time`)
    },
  }
}

export function isGenuine(
  event: StoredEvent,
  incarnation: string,
  macs: EventMacs,
  isAppendOnly: boolean,
): ReturnType<EventMacs['check']> {
  const { stream, revision, type, version, data, metadata, mac } = event
  return macs.check(
    { incarnation, stream, revision: isAppendOnly ? 'any' : revision, type, version, data, metadata },
    mac,
  )
}
