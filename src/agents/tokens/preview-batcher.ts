/** Batches the writes of previews to a token stream. */

import type { Run } from '../run.ts'
import type { WritePreview } from './token-stream.ts'

/** The longest delay of a piece, as in a token batcher. */
const maxWaitMs = 20

/** A member's draft in progress: the text that waits, and whether a write is scheduled or under way. */
type Waiting = { text: string; isWriting: boolean }

/**
 * Writes the pieces of drafts as previews, in order for each member, with at most one write under way for each. A slow
 * writer leads to larger pieces, not to a longer queue. Best effort: a failed write loses its piece, and the log has
 * the draft.
 */
export function previewBatcher(write: WritePreview): (run: Run, member: string, text: string) => void {
  const drafts = new WeakMap<Run, Map<string, Waiting>>()

  const draftOf = (run: Run, member: string): Waiting => {
    const ofRun = drafts.get(run) ?? new Map<string, Waiting>()
    const draft = ofRun.get(member) ?? { text: '', isWriting: false }
    drafts.set(run, ofRun.set(member, draft))
    return draft
  }
  const writeWaiting = async (run: Run, member: string, draft: Waiting): Promise<void> => {
    while (draft.text !== '') {
      const { text } = draft
      draft.text = ''
      await write(run.requestId, run.attempt, member, text).catch(() => undefined)
    }
    draft.isWriting = false
  }

  return (run, member, text) => {
    const draft = draftOf(run, member)
    draft.text += text
    if (draft.isWriting) return
    draft.isWriting = true
    setTimeout(() => void writeWaiting(run, member, draft), maxWaitMs)
  }
}
