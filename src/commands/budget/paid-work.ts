/** The work that model calls belong to, as the commands of calls read it and write to it. */

import { streamCategory, type StreamName } from '../../events/identifiers.ts'
import type { ModelCallEvent, WorkStream } from '../../events/model-call.ts'
import { bounty, type Bounty, type Judging } from '../aggregates/bounty.ts'
import { chat, type Chat } from '../aggregates/chat.ts'
import type { StatesOf } from '../decider.ts'
import type { PaidCalls } from '../paid-calls.ts'

/** What a command reads of the work that model calls belong to: one of these. */
export const workAggregates = { chat, bounty } as const

export type WorkStates = StatesOf<typeof workAggregates>

export const workReads = (work: WorkStream | null) => ({
  chat: work !== null && isOfChat(work) ? work : null,
  bounty: work !== null && isOfBounty(work) ? work : null,
})

const isOfChat = (work: WorkStream): work is StreamName<'chat'> => streamCategory<string>(work) === 'chat'
const isOfBounty = (work: WorkStream): work is StreamName<'bounty'> => streamCategory<string>(work) === 'bounty'

/** The events of calls, by what a command reads of the work. */
export type WorkEvents = { chat: ModelCallEvent[]; bounty: ModelCallEvent[] }

export const onWork = (work: WorkStream, events: ModelCallEvent[]): WorkEvents => ({
  chat: isOfChat(work) ? events : [],
  bounty: isOfBounty(work) ? events : [],
})

/** Why a worker's attempt may not write to its work. */
type AttemptProblem =
  | 'prompt_unknown'
  | 'prompt_finished'
  | 'bounty_unknown'
  | 'bounty_finished'
  | 'judging_not_open'
  | 'attempt_superseded'

type Attempted = PaidCalls & { attempt: number }

/** The calls of the work, if `attempt` is its newest attempt and the work is not finished; otherwise why not. */
export const callsOf = (states: WorkStates, work: WorkStream, attempt: number): PaidCalls | AttemptProblem =>
  isOfChat(work) ? ofAttempt(openPrompt(states.chat), attempt) : judgingOf(states.bounty, attempt)

/** The judging of a bounty, if `attempt` is its newest attempt and it is not over; otherwise why not. */
export const judgingOf = (state: Bounty, attempt: number): Judging | AttemptProblem =>
  ofAttempt(openJudging(state), attempt)

const ofAttempt = <Open extends Attempted>(open: Open | AttemptProblem, attempt: number): Open | AttemptProblem =>
  typeof open === 'string' || open.attempt === attempt ? open : 'attempt_superseded'

const openPrompt = (state: Chat): Attempted | AttemptProblem =>
  state.status === 'open' ? state : state.status === 'absent' ? 'prompt_unknown' : 'prompt_finished'

function openJudging(state: Bounty): Judging | AttemptProblem {
  if (state.status === 'absent') return 'bounty_unknown'
  if (state.status === 'finished') return 'bounty_finished'
  return state.status === 'submitted' && state.judging.next === null ? state.judging : 'judging_not_open'
}
