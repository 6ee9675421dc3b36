import { useEffect } from 'preact/hooks'
import { ChatPage } from '../chat/chat-page.tsx'
import { Navigation } from './navigation.tsx'
import { route } from './route.ts'
import { refreshStanding } from './standing.ts'
import { StatusLine } from './status-line.tsx'
import { applyTheme, theme } from './theme.ts'

/** The frame around every page: navigation, status line, and the page of the address. */
export function App() {
  useEffect(() => {
    applyTheme(theme.value)
    void refreshStanding()
    const refresh = (): void => void (document.visibilityState === 'visible' && refreshStanding())
    document.addEventListener('visibilitychange', refresh)
    return () => document.removeEventListener('visibilitychange', refresh)
  }, [])
  const { conversationId } = route.value
  return (
    <div class="shell">
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <Navigation />
      <div class="column">
        <StatusLine />
        <main id="page" tabIndex={-1}>
          <ChatPage conversationId={conversationId} />
        </main>
      </div>
    </div>
  )
}
