import { printableLine } from '../../platform/printable.ts'
import type { OutputStream } from '../output.ts'

/** A line of a block. `end` follows the text as far as there is room, without its start. */
export type BlockLine = { text: string; end?: string }

/** Lines at the end of a terminal that change in place. The cursor stays on the line after them. */
export type ScreenBlock = {
  /**
   * Shows these lines in place of the earlier ones. Lines that may be skipped are not drawn while the terminal is slow.
   */
  draw: (lines: readonly BlockLine[], options?: { maySkip: boolean }) => void
  /** Removes the lines. */
  erase: () => void
  /** Keeps the lines as they are; the next ones come after them. */
  leave: () => void
}

/** Below this width, a terminal gets plain lines: it would break lines that change in place. */
const minColumns = 20

/** Null where lines cannot change in place: the output is no terminal, or a very narrow one. */
export function screenBlock(screen: OutputStream & { rows?: number }): ScreenBlock | null {
  if (screen.isTTY !== true || columnsOf(screen) < minColumns) return null
  let drawn = 0
  const clear = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\r\x1b[0J`)
  return {
    draw(lines, { maySkip } = { maySkip: false }) {
      if (maySkip && screen.writableNeedDrain) return
      // A line that has left the top of the screen cannot be changed any more.
      const shown = lines.slice(0, Math.max(1, (screen.rows || 24) - 1))
      // The last column stays empty: some terminals break a line that fills it.
      const text = shown.map((line) => `${fitted(line, columnsOf(screen) - 1)}\n`).join('')
      screen.write(clear() + text)
      drawn = shown.length
    },
    erase() {
      if (drawn > 0) screen.write(clear())
      drawn = 0
    },
    leave: () => void (drawn = 0),
  }
}

/** Some terminals report no width, or 0. */
const columnsOf = ({ columns }: OutputStream): number => columns || 80

/** The most cells that a terminal needs. Marks that take no room count too, which only shortens a line. */
const cellsOf = (characters: Iterable<string>): number => {
  let cells = 0
  for (const character of characters) cells += character < '\u0300' ? 1 : 2
  return cells
}

function fitted({ text, end = '' }: BlockLine, cells: number): string {
  const start = firstCells(Array.from(oneLine(text)), cells)
  const room = cells - cellsOf(start)
  const rest = Array.from(oneLine(end))
  return cellsOf(rest) <= room ? [...start, ...rest].join('') : [...start, ...lastCells(rest, room)].join('')
}

const oneLine = (text: string): string => printableLine(text).replaceAll('\t', ' ')
const ellipsis = '…'

/** The start of a text that fits. */
function firstCells(characters: readonly string[], cells: number): readonly string[] {
  if (cellsOf(characters) <= cells) return characters
  const room = cells - cellsOf(ellipsis)
  let used = 0
  const end = characters.findIndex((character) => (used += cellsOf(character)) > room)
  return [...characters.slice(0, end), ellipsis]
}

/** The end of a text that fits; nothing where there is no room for it. */
function lastCells(characters: readonly string[], cells: number): readonly string[] {
  if (cells <= cellsOf(ellipsis)) return []
  const reversed = firstCells(characters.toReversed(), cells)
  return reversed.toReversed()
}
