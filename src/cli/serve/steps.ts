import type { Clock } from '../../platform/clock.ts'
import { startProgress, type Progress, type ProgressStream } from '../../platform/progress-display.ts'

/** Shows the steps of a start, one at a time, each once it takes longer than a second. */
export type Steps = {
  /** Begins the next step, or updates the progress of the current one (in bytes). */
  step: (label: string, done?: number, total?: number) => void
  /** `failedStep` names the step that failed; if another step is shown, it was only stopped. */
  end: (outcome: 'done' | 'failed', failedStep?: string) => void
}

export function createSteps(stream: ProgressStream, clock: Clock): Steps {
  let current: { label: string; progress: Progress } | undefined
  const end: Steps['end'] = (outcome, failedStep) => {
    current?.progress.end(failedStep === undefined || failedStep === current.label ? outcome : 'stopped')
    current = undefined
  }
  return {
    step(label, done, total) {
      if (current?.label !== label) {
        end('done')
        current = { label, progress: startProgress({ label, unit: 'bytes', stream, clock }) }
      }
      if (done !== undefined) current.progress.update(done, total)
    },
    end,
  }
}
