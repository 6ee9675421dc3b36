import { isDeepStrictEqual } from 'node:util'
import { aggregateKinds, aggregateOf } from '../commands/aggregates.ts'
import type { Aggregate } from '../commands/decider.ts'
import { streamCategory, type Position, type StreamName } from '../events/identifiers.ts'
import type { LogReader, StoredState } from '../events/log/log.ts'
import { messageOf } from '../platform/platform-error.ts'
import type { CliContext } from './context.ts'
import { CliError } from './failure.ts'
import { endOf, type Moment } from './moment.ts'
import { printable } from './output.ts'
import { openLogForReading } from './stores.ts'

export type StateOptions = { at?: Moment }

type Folded = { revision: number; position: Position; state: unknown }

/**
 * `council state`: one aggregate, folded from its events, now or as it was. Now it is also compared with the state that is
 * stored beside the log, which is what commands decide on. Throws CliError `stream_unknown`, `fold_failed`, `state_differs`.
 */
export async function state(stream: StreamName, { at }: StateOptions, { config, output }: CliContext): Promise<number> {
  const aggregate = aggregateOf(stream)
  if (!aggregate)
    throw new CliError(
      'usage',
      `there are no aggregates of the kind "${streamCategory(stream)}", only ${aggregateKinds.join(', ')}`,
    )
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)

  // Before the fold: the log may go on meanwhile, and the fold then stops where this state stood.
  const [stored] = await log.loadStates([stream])
  const folded = await fold(log, aggregate, stream, at ? { upTo: endOf(at) } : { upToRevision: stored?.revision || Infinity })
  if (!at && stored) assertSame(stream, aggregate, stored, folded)
  if (!folded) throw new CliError('stream_unknown', `${stream} has no event${at ? ' up to then' : ''}`)

  const { revision, position, state: value } = folded
  await output.result({ stream, revision, position, state: value }, () =>
    [`${output.paint('bold', stream)}  revision ${revision}, position ${position}`, printable(JSON.stringify(value, null, 2))].join('\n'),
  )
  return 0
}

async function fold(
  log: LogReader,
  aggregate: Aggregate<unknown>,
  stream: StreamName,
  to: { upTo: Position } | { upToRevision: number },
): Promise<Folded | undefined> {
  let folded: Folded | undefined
  for await (const events of log.read({ streams: [stream], ...('upTo' in to && { upTo: to.upTo }) }))
    for (const event of events) {
      if ('upToRevision' in to && event.revision > to.upToRevision) return folded
      try {
        folded = {
          revision: event.revision,
          position: event.position,
          state: aggregate.evolve(folded ? folded.state : aggregate.initial, event),
        }
      } catch (error) {
        throw new CliError('fold_failed', `the events of ${stream} do not follow each other, at ${event.position}: ${messageOf(error)}`)
      }
    }
  return folded
}

/** A state of another fold version has nothing to be compared with: it is folded again before anybody decides on it. */
function assertSame(stream: StreamName, { foldVersion, finished }: Aggregate<unknown>, stored: StoredState, folded: Folded | undefined): void {
  const isFinished = finished !== undefined && folded?.state === finished
  // Finished streams leave the stored states some time after their end.
  if (stored.status === 'absent' && (!folded || isFinished)) return
  if (folded?.revision !== stored.revision)
    throw new CliError(
      'state_differs',
      `the state stored for ${stream} is of revision ${stored.revision}, but the log shows ${folded?.revision ?? 'no event'}`,
    )
  if (stored.status !== 'live') {
    if (!isFinished) throw new CliError('state_differs', `${stream} is stored as finished, but its events make ${JSON.stringify(folded.state)}`)
    return
  }
  if (stored.foldVersion !== foldVersion) return
  const asStored: unknown = JSON.parse(JSON.stringify(folded.state))
  if (!isDeepStrictEqual(JSON.parse(stored.state), asStored))
    throw new CliError(
      'state_differs',
      `the state stored for ${stream} at revision ${stored.revision} is ${stored.state}, but its events make ${JSON.stringify(asStored)}`,
    )
}
