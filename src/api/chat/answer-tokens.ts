import type { Preview, TokenPage } from '../../agents/tokens/token-stream.ts'
import { beginning, comparePositions } from '../../events/identifiers.ts'
import type { ResumePoint } from './frames.ts'

/** The text and the previews of a token stream that a client has not got yet. */
export type UnsentTokens = {
  /** Reads the new entries. Best effort: while the ephemeral Redis is unreachable, nothing is added. */
  read: () => Promise<void>
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
  let lastId: string = beginning
  let endOffset = seen?.offset ?? 0
  let text = ''
  let previews: Preview[] = []
  return {
    async read() {
      const page = await readPage(lastId).catch(() => null)
      if (!page) return
      lastId = page.lastId
      previews.push(...page.previews.filter(({ id }) => comparePositions(id, seenPreview) > 0))
      const start = page.endOffset - page.text.length
      if (start > endOffset || page.endOffset <= endOffset) return
      text += page.text.slice(endOffset - start)
      endOffset = page.endOffset
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
