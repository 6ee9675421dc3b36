import { useState } from 'preact/hooks'
import { Markdown } from '../markdown/markdown.tsx'
import { dollars } from '../shell/money.ts'
import { isRunning, type Ending, type Turn } from './answer.ts'
import { ask, loadStory, stop } from './conversations.ts'
import { Drafts } from './drafts.tsx'
import { Steps } from './steps.tsx'
import { VoteView } from './vote-view.tsx'
import { WhyDrawer } from './why-drawer.tsx'

/** A question and its answer. On the fast path only the answer is shown; on the full path also how it came to be. */
export function TurnView({ turn, conversationId }: { turn: Turn; conversationId: string }) {
  const isFull = turn.path === 'full' && turn.hasStory
  return (
    <article class="turn" aria-label={`Question: ${turn.question.slice(0, 80)}`}>
      <h2 class="question" dir="auto">
        {turn.question}
      </h2>
      <div class={isFull ? 'card deliberation' : 'plain'} aria-busy={isRunning(turn)}>
        {isFull ? <Steps phases={turn.phases} members={turn.members} isRunning={isRunning(turn)} /> : null}
        {isFull && turn.members.length > 0 ? <Drafts members={turn.members} vote={turn.vote} /> : null}
        {turn.vote ? <VoteView vote={turn.vote} turn={turn} /> : null}
        <div class="answer">
          {turn.text === '' ? <Pending turn={turn} /> : <Markdown text={turn.text} />}
          {turn.status === 'failed' ? <p class="bad">{turn.ending?.failure}</p> : null}
          {turn.status === 'cancelled' ? <p class="quiet">You stopped this answer.</p> : null}
        </div>
        <Foot turn={turn} conversationId={conversationId} />
      </div>
    </article>
  )
}

/** What is happening while there is no text yet. */
function Pending({ turn }: { turn: Turn }) {
  if (turn.status === 'waiting')
    return (
      <p class="quiet" role="status">
        This waits for a person{turn.approval ? `: ${waitingFor[turn.approval.action]}` : ''}.
      </p>
    )
  if (!isRunning(turn)) return null
  const now = turn.phases.findLast(({ isOver }) => !isOver)
  return (
    <p class="quiet pulse" role="status">
      {now ? (doing[now.name] ?? now.name) : 'waiting for a worker'}
    </p>
  )
}

const waitingFor = {
  ReleaseAnswer: 'the answer is written and must be released',
  ExceedBudget: 'the budget of the day is used up',
}
const doing: Readonly<Record<string, string>> = {
  triage: 'choosing the path',
  sense: 'reading the conversation',
  draft: 'the members write drafts',
  critique: 'the members review the drafts',
  vote: 'the members vote',
  respond: 'writing',
  synthesize: 'the chair writes the answer',
}

function Foot({ turn, conversationId }: { turn: Turn; conversationId: string }) {
  const [asksWhy, setAsksWhy] = useState(false)
  const { ending, question, path } = turn
  const isOver = !isRunning(turn) && turn.status !== 'waiting'
  const other = path === 'full' ? 'fast' : 'full'
  return (
    <div class="foot">
      {isOver && ending ? <Figures ending={ending} /> : null}
      {isOver && turn.isThrottled ? <span class="warn">the budget allowed only the fast path</span> : null}
      <button class="link" type="button" aria-haspopup="dialog" onClick={() => setAsksWhy(true)}>
        {isOver ? 'Why this answer?' : 'What happens?'}
      </button>
      {asksWhy ? <WhyDrawer turn={turn} onClose={() => setAsksWhy(false)} /> : null}
      {isOver ? (
        <span class="right">
          {turn.text === '' ? null : <Copy text={turn.text} />}
          {turn.hasStory || path !== 'full' ? null : (
            <button class="button" type="button" onClick={() => loadStory(conversationId, turn)}>
              How it was made
            </button>
          )}
          <button class="button" type="button" onClick={() => ask(conversationId, question, undefined)}>
            Ask again
          </button>
          <button class="button" type="button" onClick={() => ask(conversationId, question, other)}>
            Ask on the {other} path
          </button>
        </span>
      ) : (
        <span class="right">
          <button class="button" type="button" onClick={() => void stop(turn.requestId)}>
            Stop
          </button>
        </span>
      )}
    </div>
  )
}

/** Copies the answer as it was written, in Markdown. */
function Copy({ text }: { text: string }) {
  const [note, setNote] = useState('Copy')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      setNote('Copied')
    } catch {
      setNote('The browser does not allow it')
    }
  }
  return (
    <button class="button" type="button" aria-live="polite" onClick={() => void copy()}>
      {note}
    </button>
  )
}

function Figures({ ending: { costMicros, tokens, firstTokenMs, totalMs, isCut, reasons } }: { ending: Ending }) {
  return (
    <>
      <span title={`${costMicros.toLocaleString('en')} micro-dollars`}>{dollars(costMicros)}</span>
      {tokens ? (
        <span>
          {tokens.prompt.toLocaleString('en')} + {tokens.completion.toLocaleString('en')} tokens
        </span>
      ) : null}
      {firstTokenMs === null ? null : <span>first word {seconds(firstTokenMs)}</span>}
      {totalMs === null ? null : <span>{seconds(totalMs)} in all</span>}
      {isCut ? <span class="warn">cut off at its limit</span> : null}
      {reasons.length > 0 ? <span class="warn">degraded: {reasons.join(', ').replaceAll('_', ' ')}</span> : null}
    </>
  )
}

const seconds = (ms: number): string => (ms < 950 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)
