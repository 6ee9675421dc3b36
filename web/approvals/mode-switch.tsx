import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { council, settle } from '../server.ts'
import { Dialog, DialogEnd } from '../shell/dialog.tsx'
import { mode, type Mode } from '../shell/standing.ts'

const meaning: Readonly<Record<Mode, string>> = {
  manual: 'every action of an agent waits for a person',
  supervised: 'actions wait that cost much or cannot be undone',
  autonomous: 'no action waits',
}
const modes = Object.keys(meaning) as Mode[]

/** Whether the mode is being switched; also set from elsewhere. */
export const asksForMode = signal(false)

/** Switches the mode after a confirmation with a reason, which is recorded. */
export function ModeSwitch() {
  return (
    <>
      <button class="button" type="button" onClick={() => void (asksForMode.value = true)}>
        Mode: {mode.value ?? '…'}
      </button>
      {asksForMode.value ? <Confirmation onClose={() => void (asksForMode.value = false)} /> : null}
    </>
  )
}

function Confirmation({ onClose }: { onClose: () => void }) {
  const [chosen, setChosen] = useState<Mode>(mode.value ?? 'supervised')
  const [reason, setReason] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  // The browser's way back leaves the page with the dialog open; it must not open again on return.
  useEffect(() => onClose, [])
  const confirm = async (): Promise<void> => {
    const settled = await settle(council.execute('SwitchMode', { mode: chosen, reason: reason.trim() }))
    if ('why' in settled) setFault(settled.why)
    else onClose()
  }
  return (
    <Dialog title="Switch the mode" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
      >
        <fieldset>
          <legend class="unseen">Mode</legend>
          {modes.map((one) => (
            <label key={one}>
              <input type="radio" name="mode" value={one} checked={chosen === one} onChange={() => setChosen(one)} />
              <strong>{one}</strong> <span class="quiet">{meaning[one]}</span>
            </label>
          ))}
        </fieldset>
        <label>
          Reason
          <input required maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <DialogEnd
          fault={fault}
          action={`Switch to ${chosen}`}
          isBarred={chosen === mode.value || reason.trim() === ''}
          onBack={onClose}
        />
      </form>
    </Dialog>
  )
}
