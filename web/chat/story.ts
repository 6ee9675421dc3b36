import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { dollars } from '../shell/money.ts'

/** An event as `GET /v1/events` prints it. */
export type LogEvent = AnyRecordedEvent
type EventOf<Type extends LogEvent['type']> = Extract<LogEvent, { type: Type }>

/** One thing that happened on the way to an answer, told from one or a few events. */
export type Step = {
  /** The position of its event. */
  position: string
  /** From the prompt on. */
  afterMs: number
  title: string
  /** Whose hue it has; null: that of no member. */
  member: string | null
  /** In a few words; '': the title says it all. */
  note: string
  /** The text that was written; null: none was. */
  text: string | null
  /** The model call that made it; null: none did. */
  call: Call | null
}

/** A model call: its cost is known once it has ended. */
export type Call = {
  phase: string
  member: string
  model: string
  started: string
  ended: string | null
  /** The debit of the council's budget. */
  debit: string | null
  costMicros: number
  promptTokens: number
  completionTokens: number
  outcome: string | null
}

export type Story = {
  steps: Step[]
  /** The sum of the debits, and their number. */
  debitedMicros: number
  calls: number
  /** The cost that the answer states; null while it runs. */
  billedMicros: number | null
}

/** The story of one prompt, of its events in their order. Pure. */
export function storyOf(events: readonly LogEvent[]): Story {
  const startMs = timeOf(events[0])
  const calls = callsOf(events)
  const told = new Set<string>()
  const isDecided = events.some(({ type }) => type === 'ElectionDecided')
  const steps = events.flatMap((event): Step[] => {
    const part = tell(event, isDecided)
    if (part === null) return []
    const callId = 'callId' in event.data ? event.data.callId : undefined
    const call = callId === undefined ? undefined : calls.get(callId)
    if (call && callId !== undefined) told.add(callId)
    return [
      {
        position: event.position,
        afterMs: timeOf(event) - startMs,
        member: null,
        note: '',
        text: null,
        ...part,
        call: call ?? null,
      },
    ]
  })
  // A call whose result no event of its own names: the path was chosen, or the answer was written.
  for (const [callId, call] of calls) {
    if (told.has(callId)) continue
    const started = events.find(({ position }) => position === call.started)
    steps.push({
      position: call.started,
      afterMs: timeOf(started) - startMs,
      title: `${call.member} ${doing[call.phase] ?? `works on ${call.phase}`}`,
      member: call.member,
      note: call.outcome === null ? 'still runs' : call.outcome === 'completed' ? '' : call.outcome,
      text: null,
      call,
    })
  }
  const debits = events.filter(isDebit)
  return {
    steps: steps.toSorted((a, b) => a.afterMs - b.afterMs),
    debitedMicros: debits.reduce((sum, { data }) => sum + data.actualMicros, 0),
    calls: debits.length,
    billedMicros: events.find(isEnding)?.data.costMicros ?? null,
  }
}

const doing: Readonly<Record<string, string>> = {
  triage: 'chooses the path',
  draft: 'writes a draft',
  critique: 'reviews the drafts',
  vote: 'votes',
  respond: 'writes the answer',
  synthesize: 'writes the answer',
}

const timeOf = (event: LogEvent | undefined): number => Date.parse(event?.metadata.occurredAt ?? '')
const isDebit = (event: LogEvent): event is EventOf<'BudgetDebited'> =>
  event.type === 'BudgetDebited' && event.stream.startsWith('budget/council/')
const isEnding = (event: LogEvent): event is EventOf<'AnswerCompleted' | 'AnswerFailed' | 'AnswerCancelled'> =>
  event.type === 'AnswerCompleted' || event.type === 'AnswerFailed' || event.type === 'AnswerCancelled'

function callsOf(events: readonly LogEvent[]): Map<string, Call> {
  const calls = new Map<string, Call>()
  for (const event of events) {
    if (event.type === 'ModelCallStarted') {
      const { callId, phase, member, model } = event.data
      const figures = { costMicros: 0, promptTokens: 0, completionTokens: 0, outcome: null }
      calls.set(callId, { phase, member, model, started: event.position, ended: null, debit: null, ...figures })
    } else if (event.type === 'ModelCallEnded') {
      const known = calls.get(event.data.callId)
      const { costMicros, promptTokens, completionTokens, outcome } = event.data
      if (known) Object.assign(known, { costMicros, promptTokens, completionTokens, outcome, ended: event.position })
    } else if (isDebit(event)) {
      const known = calls.get(event.data.callId)
      if (known) known.debit = event.position
    }
  }
  return calls
}

type Told = { title: string } & Partial<Pick<Step, 'member' | 'note' | 'text'>>

/** The part of the story that an event tells; null: the money behind a call is told with the call. */
function tell(event: LogEvent, isDecided: boolean): Told | null {
  switch (event.type) {
    case 'PromptSubmitted':
      return { title: `${event.metadata.actor} asks`, text: event.data.text }
    case 'AttemptStarted':
      return event.data.attempt === 1
        ? { title: 'A worker takes it', note: event.data.worker }
        : { title: `Another worker takes over, attempt ${event.data.attempt}`, note: event.data.worker }
    case 'RequestRouted':
      return tellRoute(event)
    case 'ContextSensed':
      return tellContext(event)
    case 'DraftProduced':
      return { title: `${event.data.member} has a draft`, member: event.data.member, text: event.data.text }
    case 'DraftFailed':
      return {
        title: `${event.data.member} has no draft`,
        member: event.data.member,
        note: [plain(event.data.why), event.data.message ?? ''].filter((part) => part !== '').join(': '),
        text: event.data.text === '' ? null : event.data.text,
      }
    case 'CritiqueProduced':
      return { title: `${event.data.member} has reviewed the drafts`, member: event.data.member, text: event.data.text }
    case 'SynthesisFailed':
      return {
        title: 'The chair has written no answer',
        note: `${plain(event.data.why)}; the winning draft is the answer`,
      }
    case 'ElectionOpened':
    case 'BallotCast':
    case 'BallotRejected':
    case 'ElectionDecided':
    case 'ElectionFailed':
      return tellElection(event, isDecided)
    case 'AnswerHeld':
      return { title: 'The answer waits for a person', text: event.data.text }
    case 'PromptPaused':
      return { title: 'The question waits for a person', note: `${event.data.budget} is used up` }
    case 'PromptResumed':
      return { title: 'It goes on', note: `the decision: ${event.data.decision}` }
    case 'ApprovalRequested':
      return { title: 'A person is asked', note: event.data.action }
    case 'ApprovalGranted':
      return { title: `${event.metadata.actor} approves` }
    case 'ApprovalDenied':
      return { title: `${event.metadata.actor} denies` }
    case 'ThrottleEngaged':
      return { title: 'A budget reaches its soft limit', note: event.stream }
    case 'HardLimitReached':
      return { title: 'A budget is used up', note: event.stream }
    case 'CancellationRequested':
      return { title: `${event.data.by} stops the answer` }
    case 'AnswerCompleted':
      return {
        title: 'The answer is complete',
        note: [dollars(event.data.costMicros), ...(event.data.reasons ?? []).map(plain)].join(', '),
        text: event.data.text,
      }
    case 'AnswerFailed':
      return { title: 'The answer failed', note: `${plain(event.data.code)}: ${event.data.message}` }
    case 'AnswerCancelled':
      return { title: 'The answer was stopped', note: dollars(event.data.costMicros) }
    default:
      return null
  }
}

function tellRoute({ data: { path, intent, by, confidence, throttledBy, held } }: EventOf<'RequestRouted'>): Told {
  const chooser = { rule: 'a rule', classifier: 'the classifier', model: 'a model', user: 'the asker' }[by]
  const sure = by === 'user' ? '' : `, ${Math.round(confidence * 100)} % sure`
  const limits = [
    ...(throttledBy === undefined ? [] : [`throttled by ${throttledBy.join(', ')}`]),
    ...(held === undefined ? [] : ['held back until a person releases the answer']),
  ]
  return {
    title: `On the ${path} path`,
    note: [`chosen by ${chooser}${sure}; intent: ${plain(intent)}`, ...limits].join('; '),
  }
}

function tellContext({ data: { conversation } }: EventOf<'ContextSensed'>): Told | null {
  const turns = conversation.given ?? conversation.requestIds.length
  if (turns === 0 && !conversation.omitted) return null
  const left = conversation.omitted === null || conversation.omitted === 0 ? '' : `, ${conversation.omitted} left out`
  return { title: turns === 1 ? 'One earlier turn is read' : `${turns} earlier turns are read`, note: left.slice(2) }
}

type ElectionEvent = EventOf<'ElectionOpened' | 'BallotCast' | 'BallotRejected' | 'ElectionDecided' | 'ElectionFailed'>

/** Whose draft a label is, is told only once the vote is over. */
function tellElection(event: ElectionEvent, isDecided: boolean): Told {
  switch (event.type) {
    case 'ElectionOpened': {
      const names = event.data.candidates.map(({ label, standsFor }) =>
        isDecided ? `${label} is ${standsFor}` : label,
      )
      return {
        title: 'A blind vote opens',
        note: `${plain(event.data.method)}, quorum ${event.data.quorum}; ${names.join(', ')}`,
      }
    }
    case 'BallotCast': {
      const { member, ballot } = event.data
      const given = Array.isArray(ballot) ? ballot.join(' > ') : JSON.stringify(ballot)
      return { title: `${member} votes ${given}`, member }
    }
    case 'BallotRejected':
      return {
        title: `${event.data.member} abstains`,
        member: event.data.member,
        note: plain(event.data.why),
        text: event.data.given ?? null,
      }
    case 'ElectionDecided':
      return { title: `${plain(event.data.method)} elects ${event.data.winner}`, note: event.data.trace.join('; ') }
    case 'ElectionFailed':
      return {
        title: 'The vote failed',
        note: `${plain(event.data.why)}, ${event.data.ballots} of ${event.data.quorum} ballots`,
      }
    default:
      return event satisfies never
  }
}

const plain = (code: string): string => code.replaceAll('_', ' ')
