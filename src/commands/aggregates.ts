import type { StreamName } from '../events/identifiers.ts'
import { budget } from './budget.ts'
import { chat } from './chat.ts'
import type { Aggregate } from './decider.ts'

/** Every kind of aggregate that there is, by the category of its streams. */
export const aggregates: Readonly<Record<string, Aggregate<unknown>>> = Object.fromEntries(
  [budget, chat].map((aggregate: Aggregate<unknown>) => [aggregate.category, aggregate]),
)

/** How a stream is folded; undefined where no aggregate has such streams. */
export const aggregateOf = (stream: StreamName): Aggregate<unknown> | undefined => aggregates[stream.slice(0, stream.indexOf('/'))]
