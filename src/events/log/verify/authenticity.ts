import type { FoldOf } from '../folds.ts'
import type { EventMacs } from '../integrity/mac.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import { faultOf, type Faults } from './faults.ts'
import { createSeen } from './seen.ts'

/** `unvouched`: events from before there were MACs, at the beginning of the log. */
export type Authenticity = { check: (event: StoredEvent) => void; counts: () => { genuine: number; unvouched: number } }

/**
 * Every event is vouched for by its MAC: it is in the log, the stream and the revision for which the gate wrote it. In a history any
 * revision is as good as another, so there no event may stand twice.
 */
export function authenticityCheck(
  incarnation: string,
  macs: EventMacs,
  foldOf: FoldOf,
  report: Faults['report'],
): Authenticity {
  const inHistories = createSeen()
  let genuine = 0
  let unvouched = 0

  return {
    counts: () => ({ genuine, unvouched }),
    check(event) {
      if (event.mac === '') {
        if (genuine === 0) unvouched++
        else
          report(faultOf(event, 'mac_missing', `nobody vouches for ${event.type} at ${event.position}: it has no MAC`))
        return
      }
      const isHistory = foldOf(event.stream)?.history ?? false
      const verdict = isGenuine(event, incarnation, macs, isHistory)
      if (verdict === 'genuine') genuine++
      if (verdict === 'forged')
        report(
          faultOf(
            event,
            'mac_forged',
            `${event.type} at ${event.position} was not written by a gate of this council as it stands: its MAC is of something else`,
          ),
        )
      if (verdict === 'key_unknown')
        report(
          faultOf(
            event,
            'mac_key_unknown',
            `the MAC of ${event.type} at ${event.position} names the key ${event.mac.slice(0, event.mac.indexOf('.'))}, which is not in MAC_KEY_FILE`,
          ),
        )
      if (isHistory && !inHistories.add(`${event.stream} ${event.mac}`))
        report(
          faultOf(
            event,
            'event_repeated',
            `${event.type} at ${event.position} stands in ${event.stream} a second time`,
          ),
        )
    },
  }
}

export function isGenuine(
  event: StoredEvent,
  incarnation: string,
  macs: EventMacs,
  isHistory: boolean,
): ReturnType<EventMacs['check']> {
  const { stream, revision, type, version, data, metadata, mac } = event
  return macs.check({ incarnation, stream, revision: isHistory ? 'any' : revision, type, version, data, metadata }, mac)
}
