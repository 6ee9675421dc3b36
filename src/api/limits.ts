import { RateLimiterMemory } from 'rate-limiter-flexible'

export type LimitSettings = {
  maxSocketsPerSubject: number
  maxInFlightPerSubject: number
  maxPromptsPerMinute: number
  /** Of any kind; as many may come at once after a quiet second. */
  maxFramesPerSecond: number
  /** Monotonic. */
  elapsedMs: () => number
}

/** What one subject may hold and do at a time, in this process. */
export type SubjectLimits = {
  /** False when the minute's prompts are used up. */
  prompt: (subject: string) => Promise<boolean>
  /** How to give the place back, or null when there is none left. */
  inFlight: (subject: string) => (() => void) | null
  /** Answers that one socket may stream at once. */
  maxFeedsPerSocket: number
  /** Takes the next place for a frame on any socket of the subject; returns in how many milliseconds it comes. */
  frameDelayMs: (subject: string) => number
  socket: (subject: string) => (() => void) | null
}

export function subjectLimits({
  maxSocketsPerSubject,
  maxInFlightPerSubject,
  maxPromptsPerMinute,
  maxFramesPerSecond,
  elapsedMs,
}: LimitSettings): SubjectLimits {
  const prompts = new RateLimiterMemory({ points: maxPromptsPerMinute, duration: 60 })
  const inFlight = places(maxInFlightPerSubject)
  const sockets = places(maxSocketsPerSubject)
  return {
    prompt: (subject) =>
      prompts.consume(subject).then(
        () => true,
        () => false,
      ),
    inFlight,
    maxFeedsPerSocket: maxInFlightPerSubject,
    frameDelayMs: pace(maxFramesPerSecond, elapsedMs),
    socket: sockets,
  }
}

/**
 * A steady pace for each subject with a second's worth at once (the generic cell rate algorithm): a subject has one number, when its
 * newest place would come if it had never been quiet. Subjects are those of tokens, so there are few.
 */
function pace(perSecond: number, elapsedMs: () => number): (subject: string) => number {
  const intervalMs = 1_000 / perSecond
  const newest = new Map<string, number>()
  return (subject) => {
    const nowMs = elapsedMs()
    const placeMs = Math.max(newest.get(subject) ?? 0, nowMs)
    newest.set(subject, placeMs + intervalMs)
    return Math.max(0, placeMs - nowMs - 1_000)
  }
}

/** Counts places taken by each subject; forgets subjects that hold none. */
function places(max: number): (subject: string) => (() => void) | null {
  const taken = new Map<string, number>()
  return (subject) => {
    const held = taken.get(subject) ?? 0
    if (held >= max) return null
    taken.set(subject, held + 1)
    return () => {
      const left = (taken.get(subject) ?? 1) - 1
      if (left === 0) taken.delete(subject)
      else taken.set(subject, left)
    }
  }
}
