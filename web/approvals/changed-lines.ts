type ChangedLine = { kind: 'same' | 'removed' | 'added'; line: string }

/** Longer texts are shown as removed and added in whole: the table below grows with the product of their lines. */
const maxLines = 400

/** The lines of two texts with their longest common subsequence marked as unchanged. */
export function changedLines(before: string, after: string): ChangedLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  if (a.length > maxLines || b.length > maxLines) return [...whole(a, 'removed'), ...whole(b, 'added')]
  // common[i][j]: the length of the longest common subsequence of the lines from i and from j on.
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = common[i]
      if (row) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  const lines: ChangedLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [removed, added] = [a[i], b[j]]
    if (removed !== undefined && removed === added) {
      lines.push({ kind: 'same', line: removed })
      i++
      j++
    } else if (removed !== undefined && (added === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'removed', line: removed })
      i++
    } else if (added !== undefined) {
      lines.push({ kind: 'added', line: added })
      j++
    }
  }
  return lines
}

const whole = (lines: readonly string[], kind: ChangedLine['kind']): ChangedLine[] =>
  lines.map((line) => ({ kind, line }))
