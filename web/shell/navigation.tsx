import { useEffect, useRef } from 'preact/hooks'
import { waiting } from '../approvals/waiting.ts'
import { overlay } from '../palette/overlay.ts'
import { followLink, route, type Route } from './route.ts'
import { applyTheme, nextTheme, theme } from './theme.ts'

export const pages = [
  { page: 'chat', path: '/', name: 'Chat' },
  { page: 'approvals', path: '/approvals', name: 'Approvals' },
  { page: 'money', path: '/money', name: 'Money' },
  { page: 'council', path: '/council', name: 'Council' },
  { page: 'log', path: '/log', name: 'Log' },
  { page: 'operations', path: '/operations', name: 'Operations' },
] as const

/** The board of bounties is a part of the money. */
const isOf = (shown: Route, page: string): boolean =>
  shown.page === page || (shown.page === 'bounties' && page === 'money')

/** The number of actions that wait, on every page. */
function Badge() {
  const count = waiting.value.state === 'there' ? waiting.value.value.length : 0
  return count === 0 ? null : (
    <span class="badge" aria-label={`${count} waiting`}>
      {count}
    </span>
  )
}

export function Navigation() {
  const rail = useRef<HTMLElement>(null)
  const { page: shown } = route.value
  // On a phone the rail is one line, wider than the screen.
  useEffect(
    () => rail.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }),
    [shown],
  )
  return (
    <nav ref={rail} class="rail" aria-label="Pages">
      <strong class="brand">Council</strong>
      <button class="finder" type="button" onClick={() => void (overlay.value = 'palette')}>
        Search <kbd>Ctrl K</kbd>
      </button>
      {pages.map(({ page, path, name }) => (
        <a key={path} href={path} aria-current={isOf(route.value, page) ? 'page' : undefined} onClick={followLink}>
          {name}
          {page === 'approvals' ? <Badge /> : null}
        </a>
      ))}
      <div class="foot">
        <a
          class="link"
          href="/docs"
          aria-current={route.value.page === 'docs' ? 'page' : undefined}
          onClick={followLink}
        >
          API
        </a>
        <button class="link" type="button" onClick={() => applyTheme(nextTheme())}>
          Theme: {theme.value}
        </button>
        <form id="sign-out" method="post" action="/logout">
          <button class="link" type="submit">
            Sign out
          </button>
        </form>
      </div>
    </nav>
  )
}
