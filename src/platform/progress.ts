import type { Clock } from './clock.ts'
import { printableLine } from './printable.ts'

/** Where progress goes: stderr, so that results stay alone on stdout. */
export type ProgressStream = { isTTY?: boolean; columns?: number; write: (text: string) => unknown }

export type Progress = {
  /** How much is done by now; `total` when it is known, in the same unit. */
  update: (done: number, total?: number) => void
  /** The last word. Call it exactly once, also when the work failed, or was stopped because other work did. */
  end: (outcome: 'done' | 'failed' | 'stopped') => void
}

export type ProgressOptions = { label: string; unit?: 'bytes' | 'items'; stream: ProgressStream; clock: Clock }

/** Shorter work is not worth a line. */
const silentMs = 1_000
const terminalEveryMs = 100
const linesEveryMs = 1_000
const barWidth = 24
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/**
 * Shows that work goes on, from its second second: on a terminal one line that is written over (a bar when the total is known, else
 * a spinner), otherwise a JSON line a second. With rate and, when the total is known, remaining time.
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

/** The average so far, per second, and how long the rest takes at that rate (milliseconds; undefined when nobody can say). */
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
