import { followLink } from '../shell/route.ts'
import { conversations } from './conversations.ts'

export function ConversationList({ current }: { current: string | null }) {
  const known = conversations.value
  return (
    <nav class="conversations" aria-label="Conversations">
      <a class="button new" href="/" onClick={followLink}>
        New conversation
      </a>
      {known === null ? <p class="small quiet">Loading…</p> : null}
      {known?.length === 0 ? <p class="small quiet">Your conversations will be listed here.</p> : null}
      <ul>
        {known?.map(({ conversationId, title, at }) => (
          <li key={conversationId}>
            <a
              href={`/chat/${conversationId}`}
              aria-current={conversationId === current ? 'page' : undefined}
              title={title}
              onClick={followLink}
            >
              <span dir="auto">{title}</span>
              <time class="quiet" dateTime={at}>
                {timeOf(at)}
              </time>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const timeOf = (at: string): string => {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday
    ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString([], { day: 'numeric', month: 'short' })
}
