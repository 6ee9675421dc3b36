import { followLink, route } from '../shell/route.ts'

const parts = [
  { page: 'money', path: '/money', name: 'Overview' },
  { page: 'bounties', path: '/money/bounties', name: 'Bounties' },
] as const

/** The heading of the pages about money, and the way between them. */
export function MoneyHead() {
  const shown = route.value.page
  return (
    <header class="page-head">
      <div class="title">
        <h1>{shown === 'bounties' ? 'Bounties' : 'Money'}</h1>
        {shown === 'bounties' ? (
          <a class="file" href="/v1/bounties?format=csv&limit=1000" download>
            CSV
          </a>
        ) : null}
      </div>
      <nav class="tabs" aria-label="Money">
        {parts.map(({ page, path, name }) => (
          <a key={path} href={path} aria-current={page === shown ? 'page' : undefined} onClick={followLink}>
            {name}
          </a>
        ))}
      </nav>
    </header>
  )
}
