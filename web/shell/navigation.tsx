import { followLink } from './route.ts'
import { applyTheme, nextTheme, theme } from './theme.ts'

const pages = [{ path: '/', name: 'Chat' }] as const

export function Navigation() {
  return (
    <nav class="rail" aria-label="Pages">
      <strong class="brand">Council</strong>
      {pages.map(({ path, name }) => (
        <a key={path} href={path} aria-current="page" onClick={followLink}>
          {name}
        </a>
      ))}
      <div class="foot">
        <button class="link" type="button" onClick={() => applyTheme(nextTheme())}>
          Theme: {theme.value}
        </button>
        <form method="post" action="/logout">
          <button class="link" type="submit">
            Sign out
          </button>
        </form>
      </div>
    </nav>
  )
}
