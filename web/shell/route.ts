import { computed, signal } from '@preact/signals'

/** The path of the address bar. Pages change it without a load, so streams go on. */
const path = signal(location.pathname)
addEventListener('popstate', () => void (path.value = location.pathname))

export type Route = { page: 'chat'; conversationId: string | null } | { page: 'approvals' | 'money' }

export const route = computed<Route>(() => {
  const [, page, id] = path.value.split('/')
  if (page === 'approvals' || page === 'money') return { page }
  return { page: 'chat', conversationId: page === 'chat' && id ? id : null }
})

export function goTo(to: string): void {
  if (to === path.value) return
  history.pushState(null, '', to)
  path.value = to
}

/** Follows a link within the page; other clicks (a new tab, a download) are the browser's. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  goTo(link.pathname)
}
