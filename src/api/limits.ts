import { RateLimiterMemory } from 'rate-limiter-flexible'

export type LimitSettings = {
  maxSocketsPerSubject: number
  maxInFlightPerSubject: number
  maxPromptsPerMinute: number
  /** Of any kind; also the burst that is allowed after a quiet second. */
  maxFramesPerSecond: number
  /** Monotonic. */
  elapsedMs: () => number
}

/** The limits of each subject in this process. */
export type SubjectLimits = {
  /** False when the subject has used up its prompts for this minute. */
  prompt: (subject: string) => Promise<boolean>
  /** Takes a place; returns a function that releases it, or null when no place is free. */
  inFlight: (subject: string) => (() => void) | null
  /** Limit of answers that one socket streams concurrently. */
  maxFeedsPerSocket: number
  /** Schedules the subject's next frame, on any socket; returns the delay in milliseconds. */
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
    frameDelayMs: cellRate(maxFramesPerSecond, elapsedMs),
    socket: sockets,
  }
}

/**
 * A steady rate per subject with a burst of one second's worth (the generic cell rate algorithm). Keeps one number per subject, its
 * theoretical arrival time. Each subject has a token, so there are few.
 */
function cellRate(perSecond: number, elapsedMs: () => number): (subject: string) => number {
  const intervalMs = 1_000 / perSecond
  const nextMs = new Map<string, number>()
  return (subject) => {
    const nowMs = elapsedMs()
    const arrivalMs = Math.max(nextMs.get(subject) ?? 0, nowMs)
    nextMs.set(subject, arrivalMs + intervalMs)
    return Math.max(0, arrivalMs - nowMs - 1_000)
  }
}

/** Counts the places of each subject; forgets subjects that hold none. */
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
