import { useState } from 'preact/hooks'

/** Copies a text. Where the browser does not let a page write to the clipboard, it says so. */
export function CopyButton({ text, name = 'Copy JSON' }: { text: () => string; name?: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'not allowed' | null>(null)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text())
      setOutcome('copied')
    } catch {
      setOutcome('not allowed')
    }
  }
  return (
    <button class="button" type="button" onClick={() => void copy()} onBlur={() => setOutcome(null)}>
      {name}
      <span role="status">{outcome === null ? '' : ` · ${outcome}`}</span>
    </button>
  )
}
