import { useEffect, useMemo, useRef } from 'preact/hooks'
import { newId } from '../../src/client/new-id.ts'
import { goTo } from '../shell/route.ts'
import { Composer } from './composer.tsx'
import { ConversationList } from './conversation-list.tsx'
import { ask, askedElsewhere, loadConversation, turnsIn } from './conversations.ts'
import { TurnView } from './turn-view.tsx'
import { followEnd } from './follow-end.ts'

/** A conversation, or an empty page that begins one with the first question. */
export function ChatPage({ conversationId }: { conversationId: string | null }) {
  useEffect(() => void loadConversation(conversationId), [conversationId])
  useEffect(() => {
    if (askedElsewhere.value !== null) void loadConversation(conversationId)
  }, [askedElsewhere.value])
  const current = useMemo(() => conversationId ?? newId(), [conversationId])
  const turns = turnsIn(current).value
  const scroller = useRef<HTMLDivElement>(null)
  useEffect(() => (scroller.current ? followEnd(scroller.current) : undefined), [current])

  const send = (question: string, path: 'fast' | 'full' | undefined): void => {
    ask(current, question, path)
    goTo(`/chat/${current}`)
  }
  return (
    <div class="chat">
      <ConversationList current={conversationId} />
      <section class="conversation" aria-label="Conversation">
        <div class="turns" ref={scroller} tabIndex={0} role="log" aria-label="Questions and answers" aria-live="off">
          {turns[0] ? <h1 class="unseen">{turns[0].question}</h1> : <Welcome />}
          {turns.map((turn) => (
            <TurnView key={turn.requestId} turn={turn} conversationId={current} />
          ))}
        </div>
        <Composer onSend={send} />
      </section>
    </div>
  )
}

const Welcome = () => (
  <div class="welcome">
    <h1>Ask the council</h1>
    <p class="quiet">
      A plain question is answered at once by one model. A hard one is drafted by several members, who review and rank
      each other's drafts without their authors, before one answer is written. You see every step, and what it cost.
    </p>
  </div>
)
