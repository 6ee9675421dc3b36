import type { z } from 'zod'
import type { BudgetStream } from '../../events/budget.ts'
import {
  isChatEvent,
  type AnswerPath,
  type ChatEvent,
  type PauseDecision,
  type SensedConversation,
} from '../../events/chat.ts'
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
  /** Clients get no text before a person releases the answer. */
  isHeld: boolean
  /** The newest pause of the prompt, and what a person decided; null: no decision yet. */
  pause: PausedAt | null
  /** The length of the chair's text, if the chair failed after it: the winning draft follows. */
  chairFailedAfter: number | null
}

/** Where a prompt waits, or has waited. */
type PausedAt = { decision: PauseDecision | null } & (
  | { why: 'answer_held'; held: Pick<Held, 'text' | 'finishReason' | 'reasons'> }
  | { why: 'budget_exceeded'; budget: BudgetStream }
)
type Held = Extract<ChatEvent, { type: 'AnswerHeld' }>['data']

export const noProgress: Progress = {
  path: null,
  isThrottled: false,
  sensed: null,
  drafts: [],
  failed: [],
  critiques: [],
  ...unopenedElection,
  isHeld: false,
  pause: null,
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
      return {
        path: event.data.path,
        isThrottled: event.data.throttledBy !== undefined,
        isHeld: event.data.held === true,
      }
    case 'ContextSensed':
      return { sensed: event.data.conversation }
    case 'DraftProduced':
      return { drafts: [...before.drafts, { member: event.data.member, text: event.data.text }] }
    case 'DraftFailed':
      return { failed: [...before.failed, event.data.member] }
    case 'CritiqueProduced':
      return { critiques: [...before.critiques, { member: event.data.member, text: event.data.text }] }
    case 'AnswerHeld':
      return { pause: { why: 'answer_held', held: event.data, decision: null } }
    case 'PromptPaused':
      return { pause: { why: 'budget_exceeded', budget: event.data.budget, decision: null } }
    case 'PromptResumed':
      return { pause: before.pause && { ...before.pause, decision: event.data.decision } }
    case 'SynthesisFailed':
      return { chairFailedAfter: event.data.characters }
    default:
      return {}
  }
}
