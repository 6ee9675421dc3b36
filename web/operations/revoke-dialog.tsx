import { useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { revokeToken, type Token } from './state.ts'

/** Revokes a token for good, after a confirmation with a reason, which is recorded. */
export function RevokeDialog({ token: { token, label, subject }, onClose }: { token: Token; onClose: () => void }) {
  const [reason, setReason] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const revoke = async (): Promise<void> => {
    const why = await revokeToken(token, reason.trim())
    if (why === null) onClose()
    else setFault(why)
  }
  return (
    <Dialog title={`Revoke “${label}” of ${subject}?`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void revoke()
        }}
      >
        <p class="small">
          It ends within a second, for good, with its open connections and every token that it issued.
        </p>
        <label>
          Reason
          <input
            required
            maxLength={500}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        {fault === null ? null : (
          <p class="bad" role="alert">
            {fault}
          </p>
        )}
        <div class="decide">
          <button class="button primary" type="submit" disabled={reason.trim() === ''}>
            Revoke
          </button>
          <button class="button" type="button" onClick={onClose}>
            Back
          </button>
        </div>
      </form>
    </Dialog>
  )
}
