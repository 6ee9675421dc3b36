import { computed, signal } from '@preact/signals'

/** The address bar. Pages change it without a load, so streams go on. */
const address = signal({ path: location.pathname, search: location.search })
addEventListener('popstate', () => void (address.value = { path: location.pathname, search: location.search }))

/** What a page shows of its subject (filters, a period), as the query string of its address: a copied address shows the same. */
export const search = computed(() => address.value.search)

export type Route =
  | { page: 'chat'; conversationId: string | null }
  | { page: 'approvals' }
  | { page: 'money' }
  | { page: 'bounties'; bountyId: string | null }
  | { page: 'council'; electionId: string | null }
  | { page: 'log' }
  | { page: 'operations' }
  | { page: 'docs' }
  | { page: 'nothing' }

export const route = computed<Route>(() => routeOf(address.value.path))

/** The page of a path. An address that no page has shows that it has none. */
function routeOf(path: string): Route {
  const [page = '', ...rest] = path.split('/').slice(1).map(decoded)
  const [id, deeper] = rest
  if (page === '') return { page: 'chat', conversationId: null }
  if (page === 'chat' && rest.length === 1) return { page, conversationId: id || null }
  if (page === 'approvals' && rest.length === 0) return { page }
  if (page === 'money' && rest.length === 0) return { page }
  if (page === 'money' && id === 'bounties' && rest.length < 3) return { page: 'bounties', bountyId: deeper || null }
  if (page === 'council' && rest.length < 2) return { page, electionId: id || null }
  if ((page === 'log' || page === 'operations') && rest.length === 0) return { page }
  if (page === 'docs' && rest.length === 0) return { page }
  return { page: 'nothing' }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Shows another address. `replace`: the browser's way back skips the present one. */
export function goTo(to: string, how: 'push' | 'replace' = 'push'): void {
  const { pathname: path, search: filters } = new URL(to, location.origin)
  if (path === address.value.path && filters === address.value.search) return
  if (how === 'push') history.pushState(null, '', to)
  else history.replaceState(null, '', to)
  address.value = { path, search: filters }
}

/** Follows a link within the page; other clicks (a new tab, a download) are the browser's. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  goTo(`${link.pathname}${link.search}`)
}
