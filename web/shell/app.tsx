import { useEffect } from 'preact/hooks'
import { ApprovalsPage } from '../approvals/approvals-page.tsx'
import { ChatPage } from '../chat/chat-page.tsx'
import { BountiesPage } from '../bounties/bounties-page.tsx'
import { CouncilPage } from '../council/council-page.tsx'
import { LogPage } from '../log/log-page.tsx'
import { DocsPage } from '../docs/docs-page.tsx'
import { MoneyPage } from '../money/money-page.tsx'
import { listenForKeys } from '../palette/overlay.ts'
import { Overlay } from '../palette/palette.tsx'
import { OperationsPage } from '../operations/operations-page.tsx'
import { loadMembers } from './members.ts'
import { Navigation } from './navigation.tsx'
import { route, type Route } from './route.ts'
import { NothingHere } from './nothing-here.tsx'
import { StatusLine } from './status-line.tsx'
import { applyTheme, theme } from './theme.ts'
import { keepTitle } from './title.ts'

function Page(shown: Route) {
  switch (shown.page) {
    case 'chat':
      return <ChatPage conversationId={shown.conversationId} />
    case 'approvals':
      return <ApprovalsPage />
    case 'money':
      return <MoneyPage />
    case 'bounties':
      return <BountiesPage bountyId={shown.bountyId} />
    case 'council':
      return <CouncilPage electionId={shown.electionId} />
    case 'log':
      return <LogPage />
    case 'operations':
      return <OperationsPage />
    case 'docs':
      return <DocsPage />
    case 'nothing':
      return <NothingHere />
    default:
      return shown satisfies never
  }
}

/** The frame around every page: navigation, status line, and the page of the address. */
export function App() {
  useEffect(listenForKeys, [])
  useEffect(keepTitle, [])
  useEffect(() => {
    applyTheme(theme.value)
    void loadMembers()
  }, [])
  return (
    <div class="shell">
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <Navigation />
      <div class="column">
        <StatusLine />
        <main id="page" tabIndex={-1}>
          <Page {...route.value} />
        </main>
      </div>
      <Overlay />
    </div>
  )
}
