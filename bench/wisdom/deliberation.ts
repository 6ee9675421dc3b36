import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { isChatEvent } from '../../src/events/chat.ts'
import { isElectionEvent, type ElectionRules } from '../../src/events/election.ts'
import type { MemberBallot } from '../../src/gedi/decide.ts'

/** One answered prompt, read from its events. Costs are micro-dollars. */
export type Deliberation = {
  /** Null if the prompt ended without an answer. */
  answer: string | null
  degraded: readonly string[]
  costMicros: number
  totalMs: number
  drafts: { member: string; text: string; costMicros: number }[]
  /** The cost of all calls but the chair's: of drafts, reviews and ballots. */
  electionMicros: number
  rules: ElectionRules | undefined
  ballots: MemberBallot[]
  abstentions: number
}

/** Folds the events of a request and of its election. */
export function deliberationOf(events: readonly AnyRecordedEvent[]): Deliberation {
  const folded: Deliberation = {
    answer: null,
    degraded: [],
    costMicros: 0,
    totalMs: 0,
    drafts: [],
    electionMicros: 0,
    rules: undefined,
    ballots: [],
    abstentions: 0,
  }
  const phases = new Map<string, string>()
  const costs = new Map<string, number>()
  const draftCalls: string[] = []
  for (const event of events) {
    if (isChatEvent(event)) {
      const { type, data } = event
      if (type === 'ModelCallStarted') phases.set(data.callId, data.phase)
      else if (type === 'ModelCallEnded') costs.set(data.callId, data.costMicros)
      else if (type === 'DraftProduced') {
        folded.drafts.push({ member: data.member, text: data.text, costMicros: 0 })
        draftCalls.push(data.callId)
      } else if (type === 'AnswerCompleted' || type === 'AnswerFailed') {
        if (type === 'AnswerCompleted') {
          folded.answer = data.text
          folded.degraded = data.reasons ?? (data.degraded ? ['unknown'] : [])
        }
        folded.costMicros = data.costMicros
        folded.totalMs = data.timings.totalMs
      }
    } else if (isElectionEvent(event)) {
      const { type, data } = event
      if (type === 'ElectionOpened') {
        const { electionId: _, openedAt: __, ...rules } = data
        folded.rules = rules
      } else if (type === 'BallotCast') folded.ballots.push({ member: data.member, ballot: data.ballot })
      else if (type === 'BallotRejected') folded.abstentions += 1
    }
  }
  folded.drafts.forEach((draft, index) => (draft.costMicros = costs.get(draftCalls[index] ?? '') ?? 0))
  for (const [callId, costMicros] of costs) if (phases.get(callId) !== 'synthesize') folded.electionMicros += costMicros
  return folded
}
