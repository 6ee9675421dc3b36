import { aggregateKinds, aggregateOf } from '../../commands/registry.ts'
import type { Aggregate } from '../../commands/decider.ts'
import { streamCategory, type Position, type StreamName } from '../../events/identifiers.ts'
import { endOf, type LogPoint } from '../../events/log-point.ts'
import type { LogReader } from '../../events/log/log.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { assertStateIsFold } from './stored-state.ts'
import { openLogForReading } from '../running-council.ts'

export type StateOptions = { at?: LogPoint }

type Folded = { revision: number; position: Position; state: unknown }

/**
 * `council state`: folds one aggregate from its events, up to now or to a log point. The current state is also compared with the stored
 * state, on which commands decide. Throws CliError `stream_unknown`, `fold_failed`, `state_differs`.
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

  // Loaded before the fold, which stops at its revision: the log may grow meanwhile.
  const [stored] = await log.loadStates([stream])
  const folded = await fold(
    log,
    aggregate,
    stream,
    at ? { upTo: endOf(at) } : { upToRevision: stored?.revision || Infinity },
  )
  if (!at && stored) assertStateIsFold(stream, aggregate, stored, folded)
  if (!folded) throw new CliError('stream_unknown', `${stream} has no event${at ? ' up to then' : ''}`)

  const { revision, position, state: value } = folded
  await output.result({ stream, revision, position, state: value }, () => [
    `${output.paint('bold', stream)}  revision ${revision}, position ${position}`,
    ...JSON.stringify(value, null, 2).split('\n'),
  ])
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
        throw new CliError(
          'fold_failed',
          `the events of ${stream} do not follow each other, at ${event.position}: ${messageOf(error)}`,
        )
      }
    }
  return folded
}
