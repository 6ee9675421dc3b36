import { useState } from 'preact/hooks'
import { dollars } from '../shell/money.ts'
import { minute } from '../shell/minute.ts'
import { changedLines } from './changed-lines.ts'
import { approve, deny, edit, type Approval } from './waiting.ts'

type Doing = 'nothing' | 'denying' | 'editing' | 'sending'

/** One action with its exact arguments, what it costs and risks, and how long a person may still decide. */
export function WaitingAction({ action }: { action: Approval }) {
  const [doing, setDoing] = useState<Doing>('nothing')
  const [fault, setFault] = useState<string | null>(null)
  const decide = async (decision: Promise<string | null>): Promise<void> => {
    setDoing('sending')
    setFault(await decision)
    setDoing('nothing')
  }
  const key = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'a') void decide(approve(action))
    else if (event.key === 'd') setDoing('denying')
    else if (event.key === 'e') setDoing('editing')
    else return
    event.preventDefault()
  }
  return (
    <li class="card action" data-action={action.approval} tabIndex={0} onKeyDown={key} aria-label={action.action}>
      <div class="action-head">
        <h2>{action.action}</h2>
        <span>{dollars(action.costMicros)}</span>
        <span class={`risk ${action.risk}`}>
          {action.risk === 'irreversible' ? 'irreversible' : `${action.risk} risk`}
        </span>
        <span class="quiet">{timeLeft(action.expiresAt, minute.value)}</span>
      </div>
      <p class="small quiet">
        Asked by {action.requestedBy} at {new Date(action.requestedAt).toLocaleString()}
        {action.editedBy === null ? '' : `, edited by ${action.editedBy}`}. {sentence(action.why)}
      </p>
      {doing === 'editing' ? (
        <EditForm
          action={action}
          onEnd={(text) => (text === null ? setDoing('nothing') : void decide(edit(action, text)))}
        />
      ) : (
        <pre tabIndex={0} role="region" aria-label="exact arguments">
          {pretty(action.exactArguments)}
        </pre>
      )}
      <p class="small quiet hash">sha256 {action.argumentsHash}</p>
      {fault === null ? null : (
        <p class="bad" role="alert">
          {fault}
        </p>
      )}
      {doing === 'denying' ? (
        <DenyForm onEnd={(reason) => (reason === null ? setDoing('nothing') : void decide(deny(action, reason)))} />
      ) : (
        <div class="decide">
          <button
            class="button primary"
            type="button"
            disabled={doing === 'sending'}
            onClick={() => void decide(approve(action))}
          >
            Approve
          </button>
          <button class="button" type="button" disabled={doing === 'sending'} onClick={() => setDoing('denying')}>
            Deny…
          </button>
          <button class="button" type="button" disabled={doing === 'sending'} onClick={() => setDoing('editing')}>
            Edit…
          </button>
        </div>
      )}
    </li>
  )
}

function DenyForm({ onEnd }: { onEnd: (reason: string | null) => void }) {
  const [reason, setReason] = useState('')
  return (
    <form
      class="decide"
      onSubmit={(event) => {
        event.preventDefault()
        onEnd(reason.trim())
      }}
      onKeyDown={(event) => void (event.key === 'Escape' && onEnd(null))}
    >
      <label class="grows">
        <span class="unseen">Reason</span>
        <input
          ref={(field) => field?.focus()}
          required
          maxLength={500}
          placeholder="Why not? The reason is recorded."
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <button class="button primary" type="submit" disabled={reason.trim() === ''}>
        Deny
      </button>
      <button class="button" type="button" onClick={() => onEnd(null)}>
        Back
      </button>
    </form>
  )
}

/** The changed arguments become a proposal of their own; the difference is shown line by line. */
function EditForm({ action, onEnd }: { action: Approval; onEnd: (text: string | null) => void }) {
  const before = pretty(action.exactArguments)
  const [text, setText] = useState(before)
  return (
    <form
      class="edit"
      onSubmit={(event) => {
        event.preventDefault()
        onEnd(text)
      }}
      onKeyDown={(event) => void (event.key === 'Escape' && onEnd(null))}
    >
      <label>
        <span class="unseen">Arguments</span>
        <textarea
          ref={(field) => field?.focus()}
          rows={Math.min(16, text.split('\n').length + 1)}
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <pre class="difference" tabIndex={0} role="region" aria-label="difference">
        {changedLines(before, text).map(({ kind, line }, index) => (
          <span key={index} class={kind}>
            {`${{ same: ' ', removed: '-', added: '+' }[kind]} ${line}\n`}
          </span>
        ))}
      </pre>
      <div class="decide">
        <button class="button primary" type="submit" disabled={text === before}>
          Propose the change
        </button>
        <button class="button" type="button" onClick={() => onEnd(null)}>
          Back
        </button>
      </div>
    </form>
  )
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}

const sentence = (why: string): string => {
  const text = why.replaceAll('_', ' ')
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function timeLeft(expiresAt: string, nowMs: number): string {
  const minutes = Math.floor((Date.parse(expiresAt) - nowMs) / 60_000)
  if (minutes < 0) return 'the time is over'
  const hours = Math.floor(minutes / 60)
  const left =
    hours >= 48 ? `${Math.floor(hours / 24)} days` : hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`
  return `${left} left`
}
