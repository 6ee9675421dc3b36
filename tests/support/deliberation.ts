import { createHash } from 'node:crypto'
import { DebitBudget } from '../../src/commands/budget/debit-budget.ts'
import { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import type { Settlement } from '../../src/commands/budget/settlement.ts'
import { CompleteAnswer } from '../../src/commands/chat/complete-answer.ts'
import { FailDraft } from '../../src/commands/chat/fail-draft.ts'
import { ProduceDraft } from '../../src/commands/chat/produce-draft.ts'
import { RouteRequest } from '../../src/commands/chat/route-request.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import { SeatCouncil } from '../../src/commands/council/seat-council.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { CastBallot } from '../../src/commands/election/cast-ballot.ts'
import { CloseElection } from '../../src/commands/election/close-election.ts'
import { OpenElection } from '../../src/commands/election/open-election.ts'
import { RejectBallot } from '../../src/commands/election/reject-ballot.ts'
import { budgetStream } from '../../src/events/budget.ts'
import { chatStream } from '../../src/events/chat.ts'
import type { CastableBallot, ElectionRules } from '../../src/events/election.ts'
import { Principal, type Uuid7 } from '../../src/events/identifiers.ts'
import { reservationFor, today } from './budget-calls.ts'
import { newId, type TestCouncil } from './council.ts'

const principal = Principal.parse('tester')
export const councilMembers = ['analyst', 'sceptic', 'pragmatist'] as const
export type CouncilMember = (typeof councilMembers)[number]

/** Seats a council with its chair; `model` gives every member a model of its own. */
export const seatCouncil = (
  { execute, councilId }: Pick<TestCouncil, 'execute' | 'councilId'>,
  members: readonly string[],
  { chair = 'chair', model }: { chair?: string; model?: string } = {},
) => {
  const seat = (id: string) => ({
    id,
    name: `The ${id}`,
    persona: `You are the ${id}.`,
    temperature: 0,
    maxTokens: 100,
  })
  const seating = {
    members: members.map((id, index) => ({ ...seat(id), ...(model && { model }), weight: index + 1 })),
    chair: seat(chair),
    method: 'ranked_pairs' as const,
    quorum: 1,
    ownDraftAllowed: false,
    critique: true,
  }
  const hash = createHash('sha256').update(JSON.stringify(seating)).digest('hex')
  return execute(SeatCouncil, { councilId, hash, ...seating })
}

/**
 * The rules of an answer's election among the drafts of all members: `A` is the analyst's, `B` the sceptic's, `C` the
 * pragmatist's.
 */
const answerRules = (ref: Uuid7, changes: Partial<ElectionRules> = {}): ElectionRules => ({
  purpose: 'answer',
  ref,
  candidates: councilMembers.map((author, index) => ({ label: 'ABC'.charAt(index), standsFor: author, author })),
  electorate: councilMembers.map((member) => ({ member, weight: 1 })),
  ownCandidateAllowed: false,
  method: 'ranked_pairs',
  quorum: 2,
  seed: 'the seed of this election',
  ...changes,
})

/**
 * A prompt on the full path, step by step through the gate, as a worker takes it. Commands refuse a step that is not
 * due, which leaves no event. Each call costs 10 µ$ for every `weight` of its member.
 */
export function deliberation(council: TestCouncil) {
  const requestId = newId()
  const work = chatStream(requestId)
  const calls = new Map<string, string>()
  let made = 0
  let budget = budgetStream('council', today())
  const run = async <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: NoInfer<C>) =>
    (await council.gate.execute(definition, input, { commandId: newId(), principal, requestId })).result
  const settlement = (name: string, costMicros: number): Settlement => ({
    callId: calls.get(name) ?? 'none',
    budgets: [budget],
    outcome: 'completed',
    usage: 'reported',
    promptTokens: 20,
    completionTokens: 5,
    priceRef: 'test@100/100',
    costMicros,
  })
  const common = { requestId, attempt: 1 }
  const stepOf = (name: string, costMicros: number) => ({
    attempt: 1,
    ...(calls.has(name) && { settlement: settlement(name, costMicros) }),
  })

  return {
    requestId,
    async begin(text = 'What is the capital of France?') {
      await run(SubmitPrompt, { requestId, text })
      await run(StartAttempt, { ...common, worker: 'worker-1' })
      await run(RouteRequest, { ...common, path: 'full', intent: 'question', by: 'user', confidence: 1 })
    },
    async call(phase: string, member: string) {
      const callId = `${requestId}.${++made}`
      const called = { callId, phase, member, model: 'test', amountMicros: 1_000 }
      const reservation = reservationFor(requestId, { calls: [called] })
      if ((await run(ReserveBudget, reservation)) !== 'appended') return
      budget = budgetStream('council', reservation.scopes[0]?.day ?? '')
      calls.set(`${phase} ${member}`, callId)
    },
    draft: (member: string, costMicros = 10) =>
      run(ProduceDraft, {
        ...common,
        member,
        text: `A draft by ${member}.`,
        settlement: settlement(`draft ${member}`, costMicros),
      }),
    /** The member is late, or its model fails with a message. */
    failDraft: (member: string, costMicros = 10, message?: string) =>
      run(FailDraft, {
        ...common,
        member,
        ...(message === undefined ? { why: 'late' } : { why: 'model_failed', message }),
        text: '',
        ...stepOf(`draft ${member}`, costMicros),
      }),
    settle: (phase: string, member: string, costMicros = 10) =>
      run(DebitBudget, { work, attempt: 1, settlement: settlement(`${phase} ${member}`, costMicros) }),
    open: (changes: Partial<ElectionRules> = {}) =>
      run(OpenElection, { electionId: requestId, ...answerRules(requestId, changes), step: { work, attempt: 1 } }),
    vote: (member: string, ballot: CastableBallot, costMicros = 5) =>
      run(CastBallot, {
        electionId: requestId,
        member,
        ballot,
        step: { work, ...stepOf(`vote ${member}`, costMicros) },
      }),
    abstain: (member: string, costMicros = 5) =>
      run(RejectBallot, {
        electionId: requestId,
        member,
        why: 'invalid',
        given: 'I like all of them.\u0000',
        step: { work, ...stepOf(`vote ${member}`, costMicros) },
      }),
    close: () => run(CloseElection, { electionId: requestId, step: { work, attempt: 1 } }),
    complete: () =>
      run(CompleteAnswer, {
        ...common,
        text: 'Paris.',
        firstTokenMs: 1,
        endedAtMs: Date.now(),
        job: '1-1',
        finishReason: 'stop',
        reasons: [],
      }),
  }
}
export type Deliberation = ReturnType<typeof deliberation>

/**
 * A whole deliberation: three drafts, an election that the given ballots decide (`null`: an abstention), and an answer.
 */
export async function answeredByCouncil(
  council: TestCouncil,
  ballots: Readonly<Record<CouncilMember, CastableBallot | null>>,
  rules: Partial<ElectionRules> = {},
): Promise<Deliberation> {
  const prompt = deliberation(council)
  await prompt.begin()
  for (const member of councilMembers) {
    await prompt.call('draft', member)
    await prompt.draft(member)
  }
  await prompt.open(rules)
  for (const member of councilMembers) {
    await prompt.call('vote', member)
    const ballot = ballots[member]
    await (ballot ? prompt.vote(member, ballot) : prompt.abstain(member))
  }
  await prompt.close()
  await prompt.complete()
  return prompt
}
