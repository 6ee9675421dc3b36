import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { Principal } from '../../events/identifiers.ts'

/** Remembers who asked the newest prompts. */
export type Askers = {
  /** Takes note of the prompts among the events. */
  learn: (events: readonly AnyRecordedEvent[]) => void
  /** Those whose prompts the events are about; null: some event may be about the prompt of anyone. */
  of: (events: readonly AnyRecordedEvent[]) => ReadonlySet<Principal> | null
}

const maxPrompts = 10_000

export function promptAskers(): Askers {
  const askers = new Map<string, Principal>()
  return {
    learn(events) {
      for (const { type, data, metadata } of events)
        if (type === 'PromptSubmitted') askers.set(data.requestId, metadata.actor)
      for (const oldest of askers.keys()) {
        if (askers.size <= maxPrompts) break
        askers.delete(oldest)
      }
    },
    of(events) {
      const concerned = new Set<Principal>()
      for (const { metadata } of events) {
        const asker = metadata.requestId && askers.get(metadata.requestId)
        if (!asker) return null
        concerned.add(asker)
      }
      return concerned
    },
  }
}
