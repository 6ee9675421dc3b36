import type { StreamName } from '../events/identifiers.ts'
import { account } from './aggregates/account.ts'
import { budget } from './aggregates/budget.ts'
import { chat } from './aggregates/chat.ts'
import type { Aggregate } from './decider.ts'
import { refusalHistory } from './aggregates/refusals.ts'
import { sealHistory } from './aggregates/seals.ts'
import { treasury } from './aggregates/treasury.ts'

/** Every kind of aggregate that there is, by the category of its streams; those of `governance` by their whole name. */
const aggregates = new Map<string, Aggregate<unknown>>([
  ['account', account],
  ['budget', budget],
  ['chat', chat],
  ['governance/treasury', treasury],
  ['refusals', refusalHistory],
  ['seals', sealHistory],
])

/** What they are called. */
export const aggregateKinds: readonly string[] = [...aggregates.keys()]

/** How a stream is folded; undefined where no aggregate has such streams. */
export const aggregateOf = (stream: StreamName): Aggregate<unknown> | undefined =>
  aggregates.get(stream) ?? aggregates.get(stream.slice(0, stream.indexOf('/')))

/** Whether a stream only remembers: anything may be added to it, at any revision. */
export const isHistory = (stream: StreamName): boolean => aggregateOf(stream)?.history === true
