import type { Preview, TokenPage, WrittenPiece } from '../../agents/tokens/token-stream.ts'
import { beginning, comparePositions, type Position } from '../../events/identifiers.ts'
import type { ResumePoint } from './frames.ts'

/** The text and the previews of a token stream that a client has not got yet. */
export type UnsentTokens = {
  /** Reads the new entries. Best effort: while the ephemeral Redis is unreachable, nothing is added. */
  read: () => Promise<void>
  /** Adds a piece that follows the last entry that was read or added; false if it does not: then the new entries must be read. */
  add: (piece: WrittenPiece) => boolean
  /** The text after the part that was taken before. Text after a gap is left to the terminal event. */
  takeText: () => string
  /** The previews up to the last one for which `isLast` holds, without the first early one and all after it. */
  takePreviews: (isLast: (preview: Preview) => boolean, isEarly: (preview: Preview) => boolean) => Preview[]
}

export function unsentTokens(
  readPage: (afterId: string) => Promise<TokenPage>,
  seen: Pick<ResumePoint, 'offset' | 'preview'> | null,
): UnsentTokens {
  const seenPreview = seen?.preview ?? beginning
  let lastId: Position = beginning
  let endOffset = seen?.offset ?? 0
  let text = ''
  let previews: Preview[] = []

  function place(piece: string, end: number): void {
    const start = end - piece.length
    if (start > endOffset || end <= endOffset) return
    text += piece.slice(endOffset - start)
    endOffset = end
  }
  return {
    async read() {
      const page = await readPage(lastId).catch(() => null)
      if (!page) return
      // Pieces that were added during the read may be newer than the page.
      const lastOfPage = page.lastId as Position
      if (comparePositions(lastOfPage, lastId) > 0) lastId = lastOfPage
      previews.push(...page.previews.filter(({ id }) => comparePositions(id, seenPreview) > 0))
      place(page.text, page.endOffset)
    },
    add({ before, id, endOffset: end, text: piece }) {
      if (before !== lastId) return false
      lastId = id
      place(piece, end)
      return true
    },
    takeText() {
      const taken = text
      text = ''
      return taken
    },
    takePreviews(isLast, isEarly) {
      const withinLimit = previews.slice(0, previews.findLastIndex(isLast) + 1)
      const early = withinLimit.findIndex(isEarly)
      const taken = early === -1 ? withinLimit : withinLimit.slice(0, early)
      previews = previews.slice(taken.length)
      return taken
    },
  }
}
