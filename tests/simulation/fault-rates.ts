import type { Random } from './random.ts'

/** How likely each fault is in one run. Every seed has a weather of its own: some are calm, some have one fault often. */
export type Weather = {
  /** A request does not reach the log, or reaches it after the time-out. */
  lostRequest: number
  /** The log has taken a request, and the answer is lost. */
  lostAnswer: number
  /** A request is delivered twice. */
  repeated: number
  /** A page of the log reaches a projector again. */
  pageAgain: number
  /** A statement fails with its connection. */
  statementFails: number
  /** A projection throws, for a reason that passes. */
  applyFails: number
  /** The connection breaks during a commit, before or after it happened. */
  commitLost: number
  /** How many things the operator lives to see. */
  events: number
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

export function weatherOf(random: Random): Weather {
  const weather = calm()
  for (const kind of kinds) if (random.happens(0.5)) weather[kind] = random.pick([0.02, 0.1, 0.3])
  weather.events = random.below(8)
  return weather
}

/** From here on nothing goes wrong any more. */
export const calm = (): Weather => ({
  lostRequest: 0,
  lostAnswer: 0,
  repeated: 0,
  pageAgain: 0,
  statementFails: 0,
  applyFails: 0,
  commitLost: 0,
  events: 0,
})
