import { useEffect, useRef, useState } from 'preact/hooks'

type Path = 'fast' | 'full' | undefined
const maxCharacters = 16_000

/** Enter sends, Shift and Enter begins a line. */
export function Composer({ onSend }: { onSend: (question: string, path: Path) => void }) {
  const [text, setText] = useState('')
  const [path, setPath] = useState<Path>(undefined)
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => field.current?.focus(), [])
  const question = text.trim()
  const send = (): void => {
    if (question === '') return
    onSend(question, path)
    setText('')
  }
  return (
    <form
      class="composer card"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <label class="unseen" for="question">
        Your question
      </label>
      <textarea
        id="question"
        ref={field}
        rows={2}
        maxLength={maxCharacters}
        placeholder="Ask the council"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          send()
        }}
      />
      <div class="controls">
        <label class="small quiet">
          Path{' '}
          <select
            value={path ?? ''}
            onChange={({ currentTarget: { value } }) =>
              setPath(value === 'fast' || value === 'full' ? value : undefined)
            }
          >
            <option value="">the council decides</option>
            <option value="fast">fast: one model</option>
            <option value="full">full: all members</option>
          </select>
        </label>
        <button class="button primary" type="submit" disabled={question === ''}>
          Send
        </button>
      </div>
    </form>
  )
}
