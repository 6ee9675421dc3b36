import type { Clock } from './clock.ts'
import { printableLine } from './printable.ts'

/** The stream for progress: stderr, so that stdout has only results. */
export type ProgressStream = { isTTY?: boolean; columns?: number; write: (text: string) => unknown }

export type Progress = {
  /** How much is done by now; `total` when it is known, in the same unit. */
  update: (done: number, total?: number) => void
  /** Ends the display. Call it exactly once, also if the work failed or stopped because other work failed. */
  end: (outcome: 'done' | 'failed' | 'stopped') => void
}

export type ProgressOptions = { label: string; unit?: 'bytes' | 'items'; stream: ProgressStream; clock: Clock }

/** Shorter work prints nothing. */
const silentMs = 1_000
const terminalEveryMs = 100
const linesEveryMs = 1_000
const barWidth = 24
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/**
 * Shows progress after the first second: on a terminal one line that is overwritten (a bar if the total is known, otherwise a
 * spinner), elsewhere one JSON line per second. Includes the rate and, if the total is known, the remaining time.
 */
export function startProgress({ label: given, unit = 'items', stream, clock }: ProgressOptions): Progress {
  const label = printableLine(given)
  const startedMs = clock.nowMs()
  const isTerminal = stream.isTTY === true
  let done = 0
  let total: number | undefined
  let frame = 0

  const elapsedMs = (): number => clock.nowMs() - startedMs
  const show = (): void => {
    if (elapsedMs() < silentMs) return
    if (isTerminal) stream.write(`\r\x1b[2K${line().slice(0, (stream.columns ?? 80) - 1)}`)
    else writeJson('running')
  }
  const line = (): string => {
    const { perSecond, remainingMs } = pace(done, total, elapsedMs())
    const rate = done === 0 ? '' : `  ${amount(done, unit)}  ${amount(perSecond, unit)}/s`
    if (total === undefined || remainingMs === undefined)
      return `${spinner[frame++ % spinner.length]} ${label}  ${seconds(elapsedMs())}${rate}`
    return `${bar(done / total)} ${label}${rate}  ${seconds(remainingMs)} left`
  }
  const writeJson = (state: 'running' | 'done' | 'failed' | 'stopped'): void => {
    const counted = done > 0 ? { unit, done, total, ...pace(done, total, elapsedMs()) } : {}
    stream.write(`${JSON.stringify({ progress: label, state, elapsedMs: elapsedMs(), ...counted })}\n`)
  }

  const timer = setInterval(show, isTerminal ? terminalEveryMs : linesEveryMs)
  timer.unref()
  return {
    update: (newDone, newTotal) => {
      done = newDone
      total = newTotal
    },
    end: (outcome) => {
      clearInterval(timer)
      if (elapsedMs() < silentMs) return
      if (isTerminal && outcome === 'stopped') stream.write('\r\x1b[2K')
      else if (isTerminal)
        stream.write(`\r\x1b[2K${outcome === 'done' ? '✓' : '✗'} ${label}  ${seconds(elapsedMs())}\n`)
      else writeJson(outcome)
    },
  }
}

/** The average rate per second, and the remaining time at that rate (milliseconds; undefined if the total is unknown). */
function pace(
  done: number,
  total: number | undefined,
  elapsedMs: number,
): { perSecond: number; remainingMs: number | undefined } {
  const perSecond = elapsedMs === 0 ? 0 : Math.round((done * 1_000) / elapsedMs)
  const isKnown = total !== undefined && total > 0 && done > 0
  return { perSecond, remainingMs: isKnown ? Math.max(0, Math.round(((total - done) * elapsedMs) / done)) : undefined }
}

function bar(part: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * barWidth)
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}] ${String(Math.floor(part * 100)).padStart(3)}%`
}

function amount(value: number, unit: 'bytes' | 'items'): string {
  return unit === 'bytes' ? `${(value / 1_000_000).toFixed(1)} MB` : value.toLocaleString('en')
}

function seconds(ms: number): string {
  return ms < 60_000
    ? `${(ms / 1_000).toFixed(0)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`
}
