import type { Random } from './random.ts'

/** The probability of each fault in one run, drawn from the seed. Some runs have no fault, some have one often. */
export type FaultRates = {
  /** A request does not reach the log, or reaches it after the timeout. */
  lostRequest: number
  /** The log applies a request, and its answer is lost. */
  lostAnswer: number
  /** A request is delivered twice. */
  repeated: number
  /** A projector receives a page of the log twice. */
  pageAgain: number
  /** A statement fails with its connection. */
  statementFails: number
  /** A projection throws a transient error. */
  applyFails: number
  /** The connection breaks during a commit, before or after the commit takes effect. */
  commitLost: number
  /** The number of incidents that the operator handles. */
  incidents: number
}

const kinds = [
  'lostRequest',
  'lostAnswer',
  'repeated',
  'pageAgain',
  'statementFails',
  'applyFails',
  'commitLost',
] as const

export function faultRatesOf(random: Random): FaultRates {
  const faultRates = noFaults()
  for (const kind of kinds) if (random.happens(0.5)) faultRates[kind] = random.pick([0.02, 0.1, 0.3])
  faultRates.incidents = random.below(8)
  return faultRates
}

/** Injects no faults. */
export const noFaults = (): FaultRates => ({
  lostRequest: 0,
  lostAnswer: 0,
  repeated: 0,
  pageAgain: 0,
  statementFails: 0,
  applyFails: 0,
  commitLost: 0,
  incidents: 0,
})
