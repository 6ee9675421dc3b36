import { RateLimiterMemory } from 'rate-limiter-flexible'

export type LimitSettings = { maxSocketsPerSubject: number; maxInFlightPerSubject: number; maxPromptsPerMinute: number }

/** What one subject may hold and do at a time, in this process. */
export type SubjectLimits = {
  /** False when the minute's prompts are used up. */
  prompt: (subject: string) => Promise<boolean>
  /** How to give the place back, or null when there is none left. */
  inFlight: (subject: string) => (() => void) | null
  socket: (subject: string) => (() => void) | null
}

export function subjectLimits({ maxSocketsPerSubject, maxInFlightPerSubject, maxPromptsPerMinute }: LimitSettings): SubjectLimits {
  const prompts = new RateLimiterMemory({ points: maxPromptsPerMinute, duration: 60 })
  const inFlight = places(maxInFlightPerSubject)
  const sockets = places(maxSocketsPerSubject)
  return {
    prompt: (subject) => prompts.consume(subject).then(
      () => true,
      () => false,
    ),
    inFlight,
    socket: sockets,
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
