import { isDeepStrictEqual } from 'node:util'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position, StreamName } from '../../identifiers.ts'
import { storedText, type Folds, type LiveStream } from '../folds.ts'
import type { LogKeys } from '../keys.ts'
import type { StoredState } from '../log.ts'
import { parseState, scanStates } from '../append/stored-states.ts'
import type { AuditFault, ReportFault } from './audit-faults.ts'

/** `otherFold`: states of another state version, which cannot be compared. */
export type ComparedStates = { agree: number; otherFold: number }

export type StatesUnderAudit = {
  redis: Pick<RedisClient, 'hscan'>
  keys: LogKeys
  folds: Folds
  report: ReportFault
  /** Folds the events that were appended since, and calls back with the stream of each. */
  catchUp: (taken: (stream: StreamName) => void) => Promise<void>
  /** The newest folded event. */
  end: () => Position
}

/**
 * Compares the stored states with the fold of the log. The log may grow during the comparison: states ahead of the fold are compared
 * after the fold has caught up.
 */
export async function compareStates({
  redis,
  keys,
  folds,
  report,
  catchUp,
  end,
}: StatesUnderAudit): Promise<ComparedStates> {
  const counts: ComparedStates = { agree: 0, otherFold: 0 }
  const seen = new Set<string>()
  const ahead = new Map<StreamName, string>()
  const differs = (stream: StreamName, live: LiveStream | undefined, code: AuditFault, message: string) =>
    report(code, { position: live?.last ?? end(), stream }, message)

  const look = (stream: StreamName, stored: string): void => {
    if (folds.broken.has(stream)) return
    const live = folds.live.get(stream)
    const state = parsed(stream, stored)
    if (!state) return differs(stream, live, 'state_differs', `the state stored for ${stream} is malformed`)
    if (state.revision > (live?.revision ?? 0)) return void ahead.set(stream, stored)
    if (!live)
      return differs(stream, live, 'state_surplus', `a state is stored for ${stream}, which has no events in the log`)
    if (state.revision < live.revision)
      return differs(
        stream,
        live,
        'state_differs',
        `the state stored for ${stream} is at revision ${state.revision}, but the log is at ${live.revision}`,
      )
    if (state.stateVersion !== live.fold.stateVersion) return void counts.otherFold++
    const folded = storedText(live)
    if (stored === folded || isSame(state.state, folded.slice(folded.indexOf(':', folded.indexOf(':') + 1) + 1)))
      return void counts.agree++
    differs(
      stream,
      live,
      'state_differs',
      `the state stored for ${stream} at revision ${live.revision} is ${state.state}, but its events fold to ${JSON.stringify(live.state)}`,
    )
  }

  for await (const page of scanStates(redis, keys))
    for (const [stream, stored] of page) {
      if (seen.has(stream)) continue
      seen.add(stream)
      look(stream, stored)
    }

  const unseen = [...folds.live.keys()].filter((stream) => !seen.has(stream))
  await catchUp((stream) => {
    const stored = ahead.get(stream)
    if (stored === undefined || (folds.live.get(stream)?.revision ?? 0) < Number.parseInt(stored, 10)) return
    ahead.delete(stream)
    look(stream, stored)
  })
  for (const [stream, stored] of ahead) {
    const live = folds.live.get(stream)
    const message = live
      ? `the state stored for ${stream} is at revision ${Number.parseInt(stored, 10)}, but the log is only at ${live.revision}`
      : `a state is stored for ${stream}, which is finished or has no event`
    differs(stream, live, live ? 'state_differs' : 'state_surplus', message)
  }
  for (const stream of unseen) {
    const live = folds.live.get(stream)
    if (!live || folds.broken.has(stream)) continue
    const message = `no state is stored for ${stream}, which is at revision ${live.revision} in the log`
    differs(stream, live, 'state_missing', message)
  }
  return counts
}

type LiveState = Extract<StoredState, { status: 'live' }>

function parsed(stream: StreamName, stored: string): LiveState | undefined {
  try {
    const state = parseState(stream, stored)
    return state.status === 'live' ? state : undefined
  } catch {
    return undefined
  }
}

/** Ignores the order of keys. */
function isSame(left: string, right: string): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(left), JSON.parse(right))
  } catch {
    return false
  }
}
