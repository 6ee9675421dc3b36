import { isDeepStrictEqual } from 'node:util'
import type { Aggregate } from '../../commands/decider.ts'
import type { StreamName } from '../../events/identifiers.ts'
import type { StoredState } from '../../events/log/log.ts'
import { CliError } from '../failure.ts'

/**
 * Throws CliError `state_differs` unless the stored state of a stream is the fold of its events up to the stored revision. Skips
 * append-only streams, which have no state, and states of another version, which the gate folds again before it uses them.
 */
export function assertStateIsFold(
  stream: StreamName,
  { stateVersion, finished, appendOnly }: Pick<Aggregate<unknown>, 'stateVersion' | 'finished' | 'appendOnly'>,
  stored: StoredState,
  folded: { revision: number; state: unknown } | undefined,
): void {
  const isFinished = finished !== undefined && folded?.state === finished
  // The stored state of a finished stream is removed some time after its end.
  if (stored.status === 'absent' && (!folded || isFinished)) return
  if (folded?.revision !== stored.revision)
    throw new CliError(
      'state_differs',
      `the state stored for ${stream} is of revision ${stored.revision}, but the log shows ${folded?.revision ?? 'no event'}`,
    )
  if (stored.status !== 'live') {
    if (!isFinished)
      throw new CliError(
        'state_differs',
        `${stream} is stored as finished, but its events make ${JSON.stringify(folded.state)}`,
      )
    return
  }
  if (appendOnly || stored.stateVersion !== stateVersion) return
  const asStored: unknown = JSON.parse(JSON.stringify(folded.state))
  if (!isDeepStrictEqual(JSON.parse(stored.state), asStored))
    throw new CliError(
      'state_differs',
      `the state stored for ${stream} at revision ${stored.revision} is ${stored.state}, but its events make ${JSON.stringify(asStored)}`,
    )
}
