import type { Clock } from '../../platform/clock.ts'
import { startProgress, type Progress, type ProgressStream } from '../../platform/progress-display.ts'

/** What a start is busy with: one step at a time, each shown once it takes longer than a second. */
export type Steps = {
  /** The next step, or how far the current one is (bytes). */
  step: (label: string, done?: number, total?: number) => void
  /** `failedStep`: the one that failed; another one that is shown was only stopped. */
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
