import { useState } from 'preact/hooks'
import { CopyButton } from '../log/copy-button.tsx'
import { Dialog, DialogEnd } from '../shell/dialog.tsx'
import { issueToken, me } from './state.ts'

const lifetimes = [
  { days: 1, name: 'a day' },
  { days: 30, name: '30 days' },
  { days: 365, name: 'a year' },
  { days: null, name: 'never' },
] as const
const usual = ['chat:send', 'chat:read']

/** Issues a token with rights of the person's own, and shows it once. */
export function IssueDialog({ onClose }: { onClose: () => void }) {
  const [issued, setIssued] = useState<string | null>(null)
  return (
    <Dialog title={issued === null ? 'Issue a token' : 'The token'} onClose={onClose}>
      {issued === null ? (
        <IssueForm onIssued={setIssued} onClose={onClose} />
      ) : (
        <Issued token={issued} onClose={onClose} />
      )}
    </Dialog>
  )
}

function Issued({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <>
      <p class="small">It is shown only this once: the council knows its hash alone.</p>
      <pre class="secret" tabIndex={0} role="region" aria-label="the token">
        {token}
      </pre>
      <div class="decide">
        <CopyButton name="Copy the token" text={() => token} />
        <button class="button primary" type="button" ref={(button) => button?.focus()} onClick={onClose}>
          Done
        </button>
      </div>
    </>
  )
}

function IssueForm({ onIssued, onClose }: { onIssued: (token: string) => void; onClose: () => void }) {
  const own = me.value.state === 'there' ? me.value.value : null
  const [label, setLabel] = useState('')
  const [subject, setSubject] = useState('')
  const [days, setDays] = useState<number | null>(30)
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set(usual.filter((one) => own?.scopes.includes(one))))
  const [fault, setFault] = useState<string | null>(null)
  const [isSending, setIsSending] = useState(false)
  const send = async (): Promise<void> => {
    setIsSending(true)
    const expiresAt = days === null ? null : new Date(Date.now() + days * 86_400_000).toISOString()
    const outcome = await issueToken({ label: label.trim(), subject: subject.trim(), scopes: [...scopes], expiresAt })
    setIsSending(false)
    if ('token' in outcome) onIssued(outcome.token)
    else setFault(outcome.why)
  }
  return (
    <form
      class="issue"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <label>
        Label
        <input
          required
          maxLength={100}
          placeholder="laptop"
          value={label}
          onInput={({ currentTarget }) => setLabel(currentTarget.value)}
        />
      </label>
      {own?.subject === 'admin' ? (
        <label>
          Subject
          <input
            placeholder="user:ada, agent:scout; empty: admin"
            value={subject}
            onInput={({ currentTarget }) => setSubject(currentTarget.value)}
          />
        </label>
      ) : null}
      <Scopes all={own?.scopes ?? []} chosen={scopes} onChoose={setScopes} />
      <fieldset class="choices">
        <legend>Ends after</legend>
        {lifetimes.map((one) => (
          <label key={one.name}>
            <input type="radio" name="lifetime" checked={days === one.days} onChange={() => setDays(one.days)} />{' '}
            {one.name}
          </label>
        ))}
      </fieldset>
      <DialogEnd
        fault={fault}
        action="Issue"
        isBarred={isSending || label.trim() === '' || scopes.size === 0}
        onBack={onClose}
      />
    </form>
  )
}

type ScopesProps = { all: readonly string[]; chosen: ReadonlySet<string>; onChoose: (to: ReadonlySet<string>) => void }

function Scopes({ all, chosen, onChoose }: ScopesProps) {
  const toggle = (scope: string): void => {
    const to = new Set(chosen)
    if (!to.delete(scope)) to.add(scope)
    onChoose(to)
  }
  return (
    <fieldset class="choices">
      <legend>Scopes</legend>
      {all.map((scope) => (
        <label key={scope}>
          <input type="checkbox" checked={chosen.has(scope)} onChange={() => toggle(scope)} /> {scope}
        </label>
      ))}
    </fieldset>
  )
}
