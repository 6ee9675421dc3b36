import type { RoundResult } from './round.ts'

export type Round = RoundResult & { fault: string }

const columns = ['fault', 'rounds', 'ok', 'refused', 'rejected', 'unknown', 'events', 'violations'] as const

/** Faults × rounds × violations, and what callers were told, in columns. */
export function summaryTable(rounds: readonly Round[]): string {
  const rows = [...Map.groupBy(rounds, ({ fault }) => fault)].map(([fault, of]) => rowOf(fault, of))
  const lines = [columns.map(String), ...rows, rowOf('all', rounds)]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

function rowOf(name: string, rounds: readonly Round[]): string[] {
  const sum = (count: (round: Round) => number): string =>
    String(rounds.reduce((total, round) => total + count(round), 0))
  return [
    name,
    String(rounds.length),
    sum(({ calls }) => calls.ok),
    sum(({ calls }) => calls.refused),
    sum(({ calls }) => calls.rejected),
    sum(({ calls }) => calls.unknown),
    sum(({ events }) => events),
    sum(({ violations }) => violations.length),
  ]
}
