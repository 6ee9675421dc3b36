import { signal } from '@preact/signals'

/** `system` follows the setting of the machine. */
export type Theme = 'system' | 'light' | 'dark'
const key = 'theme'
export const themes: readonly Theme[] = ['system', 'light', 'dark']

function stored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? 'system'
  } catch {
    return 'system'
  }
}

export const theme = signal<Theme>(stored())

export function applyTheme(chosen: Theme): void {
  theme.value = chosen
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
  try {
    localStorage.setItem(key, chosen)
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
}

export const nextTheme = (): Theme => themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system'
