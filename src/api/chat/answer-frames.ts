/** The frames that clients get for the events of an answer. */

import type { Preview } from '../../agents/tokens/token-stream.ts'
import { isChatEvent, type ChatEvent, type SensedConversation } from '../../events/chat.ts'
import { isElectionEvent, type ElectionEvent, type ElectionRules } from '../../events/election.ts'
import type { RecordedEvent } from '../../events/event.ts'
import type { Position } from '../../events/identifiers.ts'
import type { MemberBallot } from '../../gedi/decide.ts'
import { preferredTo } from '../../gedi/places.ts'
import type { ServerFrame } from './frames.ts'

/** An event of a prompt or of its election. */
export type AnswerRecord = RecordedEvent<ChatEvent | ElectionEvent>

export const isAnswerEvent = (event: RecordedEvent): event is AnswerRecord =>
  isChatEvent(event) || isElectionEvent(event)

type BodyOf<Frame> = Frame extends { id: string } ? Omit<Frame, 'requestId' | 'id'> : never
export type FrameBody = BodyOf<ServerFrame>

/** Phases in their order. A phase that a later attempt leaves for an earlier one was not completed. */
const phases = ['triage', 'draft', 'critique', 'vote', 'respond', 'synthesize']
const maxTraceSteps = 20

/** Maps the events of one answer to frames, in order. */
export type AnswerFrames = {
  /** The frames of the next event; none for an internal one. */
  of: (event: AnswerRecord) => FrameBody[]
  /**
   * Whether a preview is due: `early` before its draft has started, `over` once the draft has ended or started again.
   */
  standingOf: (preview: Pick<Preview, 'member' | 'attempt'>) => 'early' | 'due' | 'over'
}

/** `first` is the position of the answer's first event. */
export function answerFrames(first: Position): AnswerFrames {
  const phase = phaseFrames()
  const standings = draftStandings()
  const waits = waitFrames()
  let rules: ElectionRules | null = null
  const ballots: MemberBallot[] = []
  /** No text may come before a person releases the answer. */
  let isHeld = false

  function callStarted({ phase: name, attempt, member }: DataOf<'ModelCallStarted'>): FrameBody[] {
    const started = phase.start(name, attempt)
    if (name !== 'draft') return started
    standings.started(member, attempt)
    return [...started, { type: 'member', member, state: 'started' }]
  }

  function of(event: AnswerRecord): FrameBody[] {
    switch (event.type) {
      case 'PromptSubmitted':
        return [{ type: 'accepted' }]
      case 'RequestRouted':
        isHeld = event.data.held === true
        return [...phase.complete(), { type: 'routed', ...event.data }]
      case 'ContextSensed':
        return sensed(event.data.conversation)
      case 'ModelCallStarted':
        return callStarted(event.data)
      case 'DraftProduced':
        standings.ended(event.data.member)
        return [{ type: 'member', member: event.data.member, state: 'drafted', text: isHeld ? '' : event.data.text }]
      case 'DraftFailed':
        standings.ended(event.data.member)
        return [{ type: 'member', member: event.data.member, state: 'failed', why: event.data.why }]
      case 'CritiqueProduced':
        return [{ type: 'member', member: event.data.member, state: 'reviewed' }]
      case 'ElectionOpened':
        rules = event.data
        return phase.complete()
      case 'BallotCast':
        ballots.push(event.data)
        return [{ type: 'member', member: event.data.member, state: 'voted' }]
      case 'BallotRejected':
        return [{ type: 'member', member: event.data.member, state: 'abstained', why: event.data.why }]
      case 'ElectionDecided':
        return [...phase.complete(), decided(event.data, rules, ballots)]
      case 'ElectionFailed':
        return [...phase.complete(), { type: 'vote', result: 'failed', why: event.data.why }]
      case 'AnswerHeld':
      case 'PromptPaused':
      case 'PromptResumed':
        return [...phase.complete(), waits.of(event)]
      case 'AnswerCompleted':
        return [...phase.complete(), completed(event.data, { first, last: event.position })]
      case 'AnswerFailed': {
        const { code, message, costMicros } = event.data
        return [{ type: 'failed', code, message, costMicros }]
      }
      case 'AnswerCancelled':
        return [{ type: 'cancelled', costMicros: event.data.costMicros }]
      case 'AttemptStarted':
      case 'ModelCallEnded':
      case 'SynthesisFailed':
      case 'CancellationRequested':
        return []
      default:
        return event satisfies never
    }
  }

  return { of, standingOf: standings.of }
}

/** The members that draft: the attempt of each, until its draft has ended. */
function draftStandings(): {
  started: (member: string, attempt: number) => void
  ended: (member: string) => void
  of: AnswerFrames['standingOf']
} {
  const draftingIn = new Map<string, number>()
  const ended = new Set<string>()
  return {
    started: (member, attempt) => void draftingIn.set(member, attempt),
    ended: (member) => void ended.add(member),
    of({ member, attempt }) {
      if (ended.has(member)) return 'over'
      const started = draftingIn.get(member) ?? 0
      return started < attempt ? 'early' : started === attempt ? 'due' : 'over'
    },
  }
}

type Wait = Extract<AnswerRecord, { type: 'AnswerHeld' | 'PromptPaused' | 'PromptResumed' }>

/** The frames of a prompt that waits for a person. */
function waitFrames(): { of: (event: Wait) => FrameBody } {
  let action: 'ReleaseAnswer' | 'ExceedBudget' = 'ReleaseAnswer'
  return {
    of({ type, data }) {
      const { approvalId } = data
      if (type === 'PromptResumed') return { type: 'approval', approvalId, action, state: data.decision }
      action = type === 'AnswerHeld' ? 'ReleaseAnswer' : 'ExceedBudget'
      return { type: 'approval', approvalId, action, state: 'waiting' }
    },
  }
}

/** The frames of the phases: each phase starts once in an attempt, and is completed once. */
function phaseFrames() {
  /** The attempt that has started each phase last. */
  const startedIn = new Map<string, number>()
  /** The newest phase that has started and not ended. */
  let current: string | null = null

  function complete(): FrameBody[] {
    const phase = current
    current = null
    return phase === null ? [] : [{ type: 'phase', phase, state: 'completed' }]
  }
  return {
    complete,
    start(phase: string, attempt: number): FrameBody[] {
      const before = current !== null && phases.indexOf(current) < phases.indexOf(phase) ? complete() : []
      current = phase
      if (startedIn.get(phase) === attempt) return before
      startedIn.set(phase, attempt)
      return [...before, { type: 'phase', phase, state: 'started' }]
    },
  }
}

/** The whole text of an answer if this is its terminal event; null otherwise. */
export const finalText = (event: AnswerRecord): string | null =>
  event.type === 'AnswerCompleted' || event.type === 'AnswerFailed' || event.type === 'AnswerCancelled'
    ? event.data.text
    : null

type DataOf<Type extends AnswerRecord['type']> = Extract<AnswerRecord, { type: Type }>['data']

/** The first turn of a conversation has no frame. */
function sensed({ requestIds, given = 0, omitted, reason }: SensedConversation): FrameBody[] {
  const turns = requestIds.length + given
  if (turns === 0 && omitted === 0) return []
  const conversation = { turns, omitted, ...(reason && { reason }) }
  return [{ type: 'phase', phase: 'sense', state: 'completed', conversation }]
}

function completed(
  { text, finishReason, costMicros, tokens: usage, timings, degraded, reasons }: DataOf<'AnswerCompleted'>,
  positions: { first: Position; last: Position },
): FrameBody {
  return {
    type: 'completed',
    text,
    finishReason,
    costMicros,
    usage,
    timings,
    degraded,
    ...(degraded && reasons && { reasons: [...reasons] }),
    positions,
  }
}

function decided(
  { method, order, tally, winners, winner, tieBreak, trace }: DataOf<'ElectionDecided'>,
  rules: ElectionRules | null,
  ballots: readonly MemberBallot[],
): FrameBody {
  const candidates = rules?.candidates ?? []
  const judges = ballots.filter(
    ({ member }) => !candidates.some((one) => one.label === winner && one.author === member),
  )
  return {
    type: 'vote',
    result: 'decided',
    method,
    order,
    tally,
    winners,
    winner,
    ...(tieBreak && { tieBreak }),
    candidates: Object.fromEntries(candidates.map(({ label, author, standsFor }) => [label, author ?? standsFor])),
    dissent: Object.fromEntries(
      judges
        .map(({ member, ballot }) => [member, preferredTo(method, ballot, winner)] as const)
        .filter(([, labels]) => labels.length > 0),
    ),
    trace: trace.slice(0, maxTraceSteps),
  }
}
