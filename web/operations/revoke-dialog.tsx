import { useState } from 'preact/hooks'
import { Dialog, DialogEnd } from '../shell/dialog.tsx'
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
        <DialogEnd fault={fault} action="Revoke" isBarred={reason.trim() === ''} onBack={onClose} />
      </form>
    </Dialog>
  )
}
