import { useEffect } from 'preact/hooks'
import { ApprovalsPage } from '../approvals/approvals-page.tsx'
import { loadWaiting } from '../approvals/waiting.ts'
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
    const refresh = (): void => {
      if (document.visibilityState !== 'visible') return
      void refreshStanding()
      void loadWaiting()
    }
    refresh()
    document.addEventListener('visibilitychange', refresh)
    return () => document.removeEventListener('visibilitychange', refresh)
  }, [])
  const shown = route.value
  return (
    <div class="shell">
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <Navigation />
      <div class="column">
        <StatusLine />
        <main id="page" tabIndex={-1}>
          {shown.page === 'approvals' ? <ApprovalsPage /> : <ChatPage conversationId={shown.conversationId} />}
        </main>
      </div>
    </div>
  )
}
