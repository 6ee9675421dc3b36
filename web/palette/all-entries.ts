import { asksForMode } from '../approvals/mode-switch.tsx'
import { conversations } from '../chat/conversations.ts'
import { pages } from '../shell/navigation.tsx'
import { goTo } from '../shell/route.ts'
import { applyTheme, themes } from '../shell/theme.ts'
import { placeInLog, type Entry } from './entries.ts'
import { overlay } from './overlay.ts'

/** Everything that the palette finds, apart from places in the log. */
export const allEntries = (): Entry[] => [...pageEntries(), ...actions(), ...conversationEntries()]

/** The place in the log that a text names. */
export function logEntries(text: string): Entry[] {
  const place = placeInLog(text.trim())
  return place === null ? [] : [{ id: 'log', kind: 'log', title: place.title, note: '', run: () => go(place.path) }]
}

/** Shows a page, which then has the focus. */
function go(path: string): void {
  goTo(path)
  document.querySelector<HTMLElement>('#page')?.focus()
}

const pageEntries = (): Entry[] => [
  ...pages.map(({ path, name }): Entry => ({ id: path, kind: 'page', title: name, note: '', run: () => go(path) })),
  { id: 'docs', kind: 'page', title: 'API reference', note: 'docs', run: () => go('/docs') },
  { id: 'bounties', kind: 'page', title: 'Bounties', note: 'money', run: () => go('/money/bounties') },
]

const actions = (): Entry[] => [
  action('ask', 'New question', '', () => go('/')),
  action('next', 'Decide about the next waiting action', 'approve, deny', () => go('/approvals?next')),
  action('mode', 'Switch the mode', 'manual, supervised, autonomous', () => {
    go('/approvals')
    asksForMode.value = true
  }),
  ...themes.map((theme) => action(`theme-${theme}`, `Theme: ${theme}`, '', () => applyTheme(theme))),
  action('keys', 'Keys', 'help, shortcuts', () => void (overlay.value = 'keys')),
  action('sign-out', 'Sign out', '', () => document.querySelector<HTMLFormElement>('#sign-out')?.requestSubmit()),
]

const action = (id: string, title: string, note: string, run: () => void): Entry => ({
  id,
  kind: 'action',
  title,
  note,
  run,
})

const conversationEntries = (): Entry[] =>
  (conversations.value ?? []).map(({ conversationId, title }) => ({
    id: conversationId,
    kind: 'conversation',
    title,
    note: '',
    run: () => go(`/chat/${conversationId}`),
  }))
