import type { z } from 'zod'
import { isChatEvent, type AnswerPath, type ChatEvent, type SensedConversation } from '../../events/chat.ts'
import { electionStream, isElectionEvent, type ElectionEvent, type ElectionRules } from '../../events/election.ts'
import type { Position, StreamName, Uuid7 } from '../../events/identifiers.ts'
import type { MemberBallot } from '../../gedi/decide.ts'
import type { LogReader } from '../../events/log/log.ts'

export type Draft = { member: string; text: string }
type Ending = Extract<ElectionEvent, { type: 'ElectionDecided' | 'ElectionFailed' }>

/** The recorded part of an election. */
export type ElectionProgress = {
  rules: ElectionRules | null
  ballots: readonly MemberBallot[]
  /** Members that voted or abstained. */
  voted: readonly string[]
  ending: Ending | null
}

export const unopenedElection: ElectionProgress = { rules: null, ballots: [], voted: [], ending: null }

/**
 * What earlier attempts at a request have recorded. A worker that takes over resumes at the first missing step, so no step is paid
 * for twice.
 */
export type Progress = ElectionProgress & {
  path: z.infer<typeof AnswerPath> | null
  /** Whether a throttled budget closed the full path and shortens the answer. */
  isThrottled: boolean
  sensed: SensedConversation | null
  drafts: readonly Draft[]
  /** Members whose draft failed. */
  failed: readonly string[]
  critiques: readonly Draft[]
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
  ...unopenedElection,
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
      if (isElectionEvent(event)) progress = { ...progress, ...electionAdvanced(progress, event) }
      else if (isChatEvent(event)) progress = { ...progress, ...advanced(progress, event) }
  return progress
}

/** An election after one of its events. */
export function electionAdvanced(before: ElectionProgress, event: ElectionEvent): ElectionProgress {
  switch (event.type) {
    case 'ElectionOpened': {
      const { electionId: _, openedAt: __, ...rules } = event.data
      return { ...before, rules }
    }
    case 'BallotCast': {
      const { member, ballot } = event.data
      return { ...before, voted: [...before.voted, member], ballots: [...before.ballots, { member, ballot }] }
    }
    case 'BallotRejected':
      return { ...before, voted: [...before.voted, event.data.member] }
    case 'ElectionDecided':
    case 'ElectionFailed':
      return { ...before, ending: event }
    default:
      return event satisfies never
  }
}

/** The part of the progress that an event changes. */
function advanced(before: Progress, event: ChatEvent): Partial<Progress> {
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
    case 'SynthesisFailed':
      return { chairFailedAfter: event.data.characters }
    default:
      return {}
  }
}
