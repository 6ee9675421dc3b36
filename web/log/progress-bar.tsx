import type { Progress } from './standing.ts'

/** How far a long command has come, with its rate and the time that is left. */
export function ProgressBar({ progress }: { progress: Progress | null }) {
  if (progress === null) return <span class="quiet">starting…</span>
  const { step, done, total, perSecond, remainingMs } = progress
  return (
    <span class="progress">
      <progress aria-label={step} {...(total === null ? {} : { value: done, max: Math.max(1, total) })} />
      <span class="quiet">
        {step}: {done.toLocaleString('en')}
        {total === null ? '' : ` of ${total.toLocaleString('en')}`}, {perSecond.toLocaleString('en')} a second
        {remainingMs === null ? '' : `, ${Math.ceil(remainingMs / 1_000)} s left`}
      </span>
    </span>
  )
}
