import { isBudgetEvent, type BudgetEvent } from '../../events/budget.ts'
import { chatStream } from '../../events/chat.ts'
import { electionStream, isElectionEvent } from '../../events/election.ts'
import { printableEvent, type RecordedEvent } from '../../events/event.ts'
import type { Position, Uuid7 } from '../../events/identifiers.ts'
import { meanPlaces, placeOf } from '../../gedi/places.ts'
import { recount, type Recount } from '../../gedi/recount.ts'
import { isCost } from '../../projections/costs.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { electionOf, formatBallot, type RecordedElection } from '../gedi/recorded-election.ts'
import { assertSameResult } from '../gedi/same-result.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { openLogForReading } from '../running-council.ts'
import { openEvidence, type Evidence } from './evidence.ts'
import { formatFault, storyLine, type StoryEvent } from './story-line.ts'

/**
 * `council audit request`: every event of one prompt and of its election, in order; each draft with its author, each
 * ballot with its voter; a recount of the election; the cost of each phase and member; and a summary. Throws CliError
 * `request_unknown`, `bill_differs` if the prompt's bill is not the sum of its debits, `election_differs` if the ballots
 * give another result than the recorded one, and `evidence_differs` or `read_model_differs` if an index leads astray.
 */
export async function auditRequest(requestId: Uuid7, context: CliContext): Promise<number> {
  const { config, output } = context
  await using closing = new AsyncDisposableStack()
  const evidence = await openEvidence(await openLogForReading(config, closing), context, closing)
  const { story, foundBy } = await storyOf(evidence, requestId)
  const [first] = story
  if (!first) throw new CliError('request_unknown', `there is no prompt ${requestId} in the log`)

  const startMs = Date.parse(first.metadata.occurredAt)
  for (const event of story)
    await output.result({ kind: 'event', ...printableEvent(event) }, () => storyLine(output, event, startMs))

  const election = electionOf(story.filter(isElectionEvent))
  const again = election ? recount(election) : null
  const drafts = draftsOf(story, election)
  await printDrafts(output, drafts)
  if (election) await printBallots(output, election, again)
  await printCosts(output, story)
  const summary = { ...summarise(requestId, story), election: electionSummary(election, again), foundBy }
  await output.result({ kind: 'summary', ...summary }, () => {
    const bill = summary.billedMicros === null ? 'no bill yet' : `billed ${dollarsAndMicros(summary.billedMicros)}`
    return [
      '',
      `${output.paint('bold', summary.status)}  ${summary.attempts} attempt(s), ${summary.calls} call(s), debited ${dollarsAndMicros(summary.debitedMicros)}, ${bill}`,
    ]
  })
  if (summary.billedMicros !== null && summary.billedMicros !== summary.debitedMicros)
    throw new CliError(
      'bill_differs',
      `the prompt was billed ${summary.billedMicros} µ$, but ${summary.debitedMicros} µ$ were debited for it, at ${summary.debitPositions.join(', ') || 'no position'}`,
    )
  if (election && again) assertSameResult(requestId, election, again)
  return 0
}

/**
 * The events of the prompt, its election and its costs. Each command that spends for a prompt also writes to its chat, in the same
 * append, so the events of its budgets stand next to those of its chat. The index of debits shows a debit that stands elsewhere.
 */
async function storyOf(evidence: Evidence, requestId: Uuid7) {
  const streams = { chat: chatStream(requestId), election: electionStream(requestId) }
  const own = await evidence.eventsOf(Object.values(streams))
  const around = (await evidence.eventsOfCommands(own)).filter((event): event is StoryEvent => {
    if (isBudgetEvent(event)) return requestOf(event) === requestId
    return event.stream === streams.chat || event.stream === streams.election
  })
  const { debits, isMissing, indexedTo, scanned } = await evidence.debitsOf(requestId)
  const missing = around.filter(isCost).find(isMissing)
  if (missing) throw new CliError('read_model_differs', `the read model costs lacks the debit at ${missing.position}`)
  const bySequence = new Map([...debits, ...around].map((event) => [event.sequence, event]))
  const story = [...bySequence.values()].toSorted((a, b) => a.sequence - b.sequence)
  assertSettled(story)
  return { story, foundBy: { events: evidence.foundBy, debits: { indexedTo, scanned } } }
}

/** Every call that ended must have ended in each budget that it was reserved in. */
function assertSettled(story: readonly StoryEvent[]): void {
  const budgetsOf = new Map(
    story.flatMap((event) =>
      event.type === 'ModelCallStarted' ? [[event.data.callId, event.data.budgets] as const] : [],
    ),
  )
  const settled = new Set(
    story.flatMap((event) =>
      event.type === 'BudgetDebited' || event.type === 'BudgetReleased' ? [`${event.data.callId} ${event.stream}`] : [],
    ),
  )
  for (const event of story) {
    if (event.type !== 'ModelCallEnded') continue
    const { callId } = event.data
    const missing = budgetsOf.get(callId)?.find((budget) => !settled.has(`${callId} ${budget}`))
    if (missing !== undefined)
      throw new CliError(
        'evidence_differs',
        `the call ${callId} ended at ${event.position}, but its end is not in ${missing}: run council audit verify`,
      )
  }
}

/** The request that a debit names; of an event that names none, the request that caused it. */
const requestOf = ({ data, metadata }: RecordedEvent<BudgetEvent>): string | undefined =>
  'requestId' in data ? data.requestId : metadata.requestId

/** The draft of a member, its label, and its place in the election. */
type Draft = {
  member: string
  label: string | null
  /** Tied drafts share the mean of their places; null without a result. */
  rank: number | null
  isWinner: boolean
  /** Why there is no draft to judge; null if there is one. */
  failedWhy: string | null
  /** What a model that failed said; null if it said nothing. */
  failure: string | null
  text: string
  position: Position
}

function draftsOf(story: readonly StoryEvent[], election: RecordedElection | undefined): Draft[] {
  const result = election?.ending?.type === 'ElectionDecided' ? election.ending.data : undefined
  const places = meanPlaces(result?.order ?? [])
  return story.flatMap((event): Draft[] => {
    if (event.type !== 'DraftProduced' && event.type !== 'DraftFailed') return []
    const { member, text } = event.data
    const label = election?.rules.candidates.find(({ author }) => author === member)?.label ?? null
    const rank = label === null ? null : (places.get(label) ?? null)
    const failedWhy = event.type === 'DraftFailed' ? event.data.why : null
    const failure = event.type === 'DraftFailed' ? (event.data.message ?? null) : null
    const isWinner = label !== null && label === result?.winner
    return [{ member, label, rank, isWinner, failedWhy, failure, text, position: event.position }]
  })
}

async function printDrafts(output: Output, drafts: readonly Draft[]): Promise<void> {
  if (drafts.length === 0) return
  await output.forPeople(output.paint('bold', 'drafts'))
  for (const draft of drafts)
    await output.result({ kind: 'draft', ...draft }, () => {
      const place = draft.isWinner ? 'winner' : draft.rank === null ? '' : `place ${draft.rank}`
      const { failedWhy, failure, text } = draft
      const written = failedWhy === null ? JSON.stringify(text) : formatFault({ why: failedWhy, message: failure })
      return `${(draft.label ?? '-').padEnd(3)} ${draft.member.padEnd(16)} ${place.padEnd(9)} ${draft.position}  ${written}`
    })
}

async function printBallots(output: Output, election: RecordedElection, again: Recount | null): Promise<void> {
  const { rules, ballots, abstentions, ending } = election
  const winner = ending?.type === 'ElectionDecided' ? ending.data.winner : null
  await output.forPeople(output.paint('bold', `ballots, ${rules.method}`))
  for (const { member, ballot, position } of ballots) {
    const winnerRank = winner === null ? null : placeOf(rules.method, ballot, winner)
    await output.result(
      { kind: 'ballot', member, ballot, winnerRank, position },
      () => `    ${member.padEnd(16)} ${formatBallot(ballot).padEnd(9)} ${position}`,
    )
  }
  for (const { data, position } of abstentions)
    await output.result(
      { kind: 'abstention', member: data.member, why: data.why, position },
      () => `    ${data.member.padEnd(16)} ${'abstains'.padEnd(9)} ${position}  ${data.why}`,
    )
  await output.forPeople(`    ${formatRecount(election, again)}`)
}

function formatRecount({ ending }: RecordedElection, again: Recount | null): string {
  if (!again) return 'the election is open'
  const { differing, recounted } = again
  if (differing.length > 0) return `a recount DIFFERS from the result at ${ending?.position} in ${differing.join(', ')}`
  const result = recounted.type === 'ElectionDecided' ? `winner ${recounted.data.winner}` : recounted.data.why
  return `a recount agrees with the result at ${ending?.position}: ${result}`
}

function electionSummary(election: RecordedElection | undefined, again: Recount | null) {
  if (!election) return null
  const { rules, ballots, abstentions, ending } = election
  const winner = ending?.type === 'ElectionDecided' ? ending.data.winner : null
  return {
    method: rules.method,
    status: ending ? (winner === null ? 'failed' : 'decided') : 'open',
    winner,
    winnerMember: rules.candidates.find(({ label }) => label === winner)?.author ?? null,
    ballots: ballots.length,
    abstentions: abstentions.length,
    position: ending?.position ?? null,
    recount: again && { agrees: again.differing.length === 0, differing: again.differing },
  }
}

async function printCosts(output: Output, story: readonly StoryEvent[]): Promise<void> {
  const debits = story.filter(isCost)
  if (debits.length === 0) return
  await output.forPeople(output.paint('bold', 'costs'))
  for (const calls of Map.groupBy(debits, ({ data }) => `${data.phase}\n${data.member}`).values()) {
    const [{ phase, member }] = calls.map(({ data }) => data) as [(typeof calls)[number]['data']]
    const costMicros = calls.reduce((sum, { data }) => sum + data.actualMicros, 0)
    const positions = calls.map(({ position }) => position)
    await output.result(
      { kind: 'cost', phase, member, calls: calls.length, costMicros, positions },
      () =>
        `    ${member.padEnd(16)} ${phase.padEnd(12)} ${costMicros.toLocaleString('en').padStart(12)} µ$  from ${positions.join(', ')}`,
    )
  }
}

function summarise(requestId: Uuid7, story: readonly StoryEvent[]) {
  const debits = story.filter(isCost)
  const ending = story.find(isEnding)
  const route = story.find((event) => event.type === 'RequestRouted')
  return {
    requestId,
    status: ending
      ? statuses[ending.type]
      : story.some(({ type }) => type === 'AttemptStarted')
        ? 'answering'
        : 'submitted',
    path: route?.data.path ?? null,
    intent: route?.data.intent ?? null,
    attempts: story.filter(({ type }) => type === 'AttemptStarted').length,
    calls: debits.length,
    debitedMicros: debits.reduce((sum, { data }) => sum + data.actualMicros, 0),
    debitPositions: debits.map(({ position }) => position),
    billedMicros: ending?.data.costMicros ?? null,
    tokens: ending?.data.tokens ?? null,
    timings: ending?.data.timings ?? null,
    ...(ending?.type === 'AnswerCompleted' && {
      finishReason: ending.data.finishReason,
      degraded: ending.data.degraded,
    }),
    ...(ending?.type === 'AnswerFailed' && { code: ending.data.code }),
    positions: { first: story[0]?.position ?? null, last: story.at(-1)?.position ?? null },
  }
}

const statuses = { AnswerCompleted: 'completed', AnswerFailed: 'failed', AnswerCancelled: 'cancelled' } as const
type Ending = Extract<StoryEvent, { type: keyof typeof statuses }>
const isEnding = (event: StoryEvent): event is Ending => event.type in statuses
