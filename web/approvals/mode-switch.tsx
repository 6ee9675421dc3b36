import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { council, faultOf } from '../server.ts'
import { mode, type Mode } from '../shell/standing.ts'

const meaning: Readonly<Record<Mode, string>> = {
  manual: 'every action of an agent waits for a person',
  supervised: 'actions wait that cost much or cannot be undone',
  autonomous: 'no action waits',
}
const modes = Object.keys(meaning) as Mode[]

/** Set by those that ask for the mode to be switched from elsewhere. */
export const asksForMode = signal(false)

/** Switches the mode after a confirmation with a reason, which is recorded. */
export function ModeSwitch() {
  const dialog = useRef<HTMLDialogElement>(null)
  const [chosen, setChosen] = useState<Mode>('supervised')
  const [reason, setReason] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const open = (): void => {
    setChosen(mode.value ?? 'supervised')
    setReason('')
    setFault(null)
    dialog.current?.showModal()
  }
  useEffect(() => {
    if (!asksForMode.value) return
    asksForMode.value = false
    open()
  }, [asksForMode.value])
  const confirm = async (): Promise<void> => {
    try {
      const result = await council.execute('SwitchMode', { mode: chosen, reason: reason.trim() })
      if (result.result === 'refused' || result.result === 'rejected') return setFault(result.message)
      dialog.current?.close()
    } catch (error) {
      setFault(faultOf(error))
    }
  }
  return (
    <>
      <button class="button" type="button" onClick={open}>
        Mode: {mode.value ?? '…'}
      </button>
      <dialog ref={dialog} class="card" aria-labelledby="mode-title">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void confirm()
          }}
        >
          <h2 id="mode-title">Switch the mode</h2>
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
          {fault === null ? null : (
            <p class="bad" role="alert">
              {fault}
            </p>
          )}
          <div class="decide">
            <button class="button primary" type="submit" disabled={chosen === mode.value || reason.trim() === ''}>
              Switch to {chosen}
            </button>
            <button class="button" type="button" onClick={() => dialog.current?.close()}>
              Back
            </button>
          </div>
        </form>
      </dialog>
    </>
  )
}
