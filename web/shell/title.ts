import { effect } from '@preact/signals'
import { pages } from './navigation.tsx'
import { route } from './route.ts'

/** The title of the window names the page, so that tabs and screen readers do. */
export const keepTitle = (): (() => void) =>
  effect(() => {
    const { page } = route.value
    const name = page === 'bounties' ? 'Bounties' : pages.find((one) => one.page === page)?.name
    document.title = name === undefined || name === 'Council' ? 'Council' : `${name} · Council`
  })
