import type { z } from 'zod'
import { isChatEvent, type AnswerPath, type ChatEvent, type SensedConversation } from '../../events/chat.ts'
import { electionStream, isElectionEvent, type ElectionEvent, type ElectionRules } from '../../events/election.ts'
import type { Position, StreamName, Uuid7 } from '../../events/identifiers.ts'
import type { MemberBallot } from '../../gedi/decide.ts'
import type { LogReader } from '../../events/log/log.ts'

export type Draft = { member: string; text: string }
type Ending = Extract<ElectionEvent, { type: 'ElectionDecided' | 'ElectionFailed' }>

/**
 * What earlier attempts at a request have recorded. A worker that takes over resumes at the first missing step, so no step is paid
 * for twice.
 */
export type Progress = {
  path: z.infer<typeof AnswerPath> | null
  /** Whether a throttled budget closed the full path and shortens the answer. */
  isThrottled: boolean
  sensed: SensedConversation | null
  drafts: readonly Draft[]
  /** Members whose draft failed. */
  failed: readonly string[]
  critiques: readonly Draft[]
  rules: ElectionRules | null
  ballots: readonly MemberBallot[]
  /** Members that voted or abstained. */
  voted: readonly string[]
  ending: Ending | null
  /** The length of the chair's text, if the chair failed after it: the winning draft follows. */
  chairFailedAfter: number | null
}

export const noProgress: Progress = {
  path: null,
  isThrottled: false,
  sensed: null,
  drafts: [],
  failed: [],
  critiques: [],
  rules: null,
  ballots: [],
  voted: [],
  ending: null,
  chairFailedAfter: null,
}

/** Reads the progress of a request after the position of its first event. */
export async function readProgress(
  log: LogReader,
  { stream, position, requestId }: { stream: StreamName; position: Position; requestId: Uuid7 },
): Promise<Progress> {
  let progress = noProgress
  for await (const page of log.read({ after: position, streams: [stream, electionStream(requestId)] }))
    for (const event of page)
      if (isChatEvent(event) || isElectionEvent(event)) progress = { ...progress, ...advanced(progress, event) }
  return progress
}

/** The part of the progress that an event changes. */
function advanced(before: Progress, event: ChatEvent | ElectionEvent): Partial<Progress> {
  switch (event.type) {
    case 'RequestRouted':
      return { path: event.data.path, isThrottled: event.data.throttledBy !== undefined }
    case 'ContextSensed':
      return { sensed: event.data.conversation }
    case 'DraftProduced':
      return { drafts: [...before.drafts, { member: event.data.member, text: event.data.text }] }
    case 'DraftFailed':
      return { failed: [...before.failed, event.data.member] }
    case 'CritiqueProduced':
      return { critiques: [...before.critiques, { member: event.data.member, text: event.data.text }] }
    case 'ElectionOpened': {
      const { electionId: _, openedAt: __, ...rules } = event.data
      return { rules }
    }
    case 'BallotCast': {
      const { member, ballot } = event.data
      return { voted: [...before.voted, member], ballots: [...before.ballots, { member, ballot }] }
    }
    case 'BallotRejected':
      return { voted: [...before.voted, event.data.member] }
    case 'ElectionDecided':
    case 'ElectionFailed':
      return { ending: event }
    case 'SynthesisFailed':
      return { chairFailedAfter: event.data.characters }
    default:
      return {}
  }
}
