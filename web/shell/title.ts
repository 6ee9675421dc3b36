import { effect } from '@preact/signals'
import { pages } from './navigation.tsx'
import { route } from './route.ts'

/** Pages that the navigation does not list. */
const others: Readonly<Record<string, string>> = { bounties: 'Bounties', docs: 'API', nothing: 'Nothing here' }

/** The title of the window names the page, so that tabs and screen readers do. */
export const keepTitle = (): (() => void) =>
  effect(() => {
    const { page } = route.value
    const name = others[page] ?? pages.find((one) => one.page === page)?.name
    document.title = name === undefined || name === 'Council' ? 'Council' : `${name} · Council`
  })
