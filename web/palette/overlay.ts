import { signal } from '@preact/signals'

/** Which sheet is over the page. */
export const overlay = signal<'none' | 'palette' | 'keys'>('none')

/** Opens the palette with Ctrl K (Cmd K) and the keys with a question mark, unless a text is being written. Returns the end of it. */
export function listenForKeys(): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, target } = event
    if (key.toLowerCase() === 'k' && (ctrlKey || metaKey) && !altKey)
      overlay.value = overlay.value === 'palette' ? 'none' : 'palette'
    else if (key === '?' && !ctrlKey && !metaKey && !isField(target)) overlay.value = 'keys'
    else return
    event.preventDefault()
  }
  document.addEventListener('keydown', pressed)
  return () => document.removeEventListener('keydown', pressed)
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
