import { useEffect } from 'preact/hooks'
import type { Loaded } from '../loaded.ts'
import { moment } from '../shell/times.ts'
import { Parts } from './parts.tsx'
import { ReadModelTable } from './read-model-table.tsx'
import { loadHealth, loadMe, loadReadModels, loadTokens, me, type Me } from './state.ts'
import { Tokens } from './tokens.tsx'

const everyMs = 2_000

/** How the council's parts and read models do, who holds which rights, and what an operator can do about it. */
export function OperationsPage() {
  useEffect(() => {
    // The state of a process is no read model, so no topic tells of it: the page asks again while it is in view.
    const look = (): void => {
      if (document.visibilityState !== 'visible') return
      void loadHealth()
      void loadReadModels()
    }
    void loadMe()
    void loadTokens()
    look()
    const timer = setInterval(look, everyMs)
    return () => clearInterval(timer)
  }, [])
  return (
    <div class="page wide">
      <header class="page-head">
        <h1>Operations</h1>
        <SignedIn loaded={me.value} />
      </header>
      <div class="stack">
        <Parts />
        <ReadModelTable />
        <Tokens />
      </div>
    </div>
  )
}

function SignedIn({ loaded }: { loaded: Loaded<Me> }) {
  if (loaded.state === 'loading') return null
  if (loaded.state === 'failed') return <span class="bad small">{loaded.why}</span>
  const { subject, scopes, expiresAt, via } = loaded.value
  return (
    <details class="me small">
      <summary>
        Signed in as <strong>{subject}</strong>
      </summary>
      <p class="quiet">
        By a {via}
        {expiresAt === null ? ' without an end' : ` until ${moment(expiresAt)}`}. Scopes: {scopes.join(', ') || 'none'}.
      </p>
    </details>
  )
}
