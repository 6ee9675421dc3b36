import type { UsageSource } from '../events/amounts.ts'
import type { TokenUsage, UsageReport } from './models/model.ts'

/** What a call used, and how far that can be believed. The counts of `unknown` are zero and mean nothing. */
export type MeteredUsage = TokenUsage & { source: UsageSource }

/**
 * Collects what a model says of its usage and holds it against what the model sent. Servers report zero for an answer, let their
 * figures fall, or send nonsense: a bill is made of the greatest figures that are possible, or of none.
 */
export type UsageMeter = {
  /** Text or reasoning that the model sent. */
  produced: (text: string) => void
  report: (usage: UsageReport) => void
  result: () => MeteredUsage
}

/** No tokenizer has tokens longer than this on average over a text; one that says so counts less than it made. */
const maxBytesPerToken = 256

/** `atMost`: the most that the call can use, which is also what was reserved for it. */
export function usageMeter(atMost: TokenUsage): UsageMeter {
  let bytes = 0
  let isContradicted = false
  /** The greatest possible figures so far. */
  const greatest: { promptTokens: number | null; completionTokens: number | null } = {
    promptTokens: null,
    completionTokens: null,
  }
  /** The fewest tokens that can have made what was sent. */
  const fewest = () => ({ promptTokens: 1, completionTokens: Math.ceil(bytes / maxBytesPerToken) })

  const take = (name: keyof TokenUsage, figure: number | null): void => {
    const before = greatest[name]
    if (figure === null) {
      if (before !== null) isContradicted = true
    } else if (!Number.isSafeInteger(figure) || figure < fewest()[name] || figure > atMost[name]) isContradicted = true
    else if (before !== null && figure < before) isContradicted = true
    else greatest[name] = figure
  }

  return {
    produced: (text) => void (bytes += Buffer.byteLength(text, 'utf8')),
    report(usage) {
      take('promptTokens', usage.promptTokens)
      take('completionTokens', usage.completionTokens)
    },
    result() {
      const { promptTokens, completionTokens } = greatest
      if (promptTokens === null || completionTokens === null || completionTokens < fewest().completionTokens)
        return { source: 'unknown', promptTokens: 0, completionTokens: 0 }
      return { source: isContradicted ? 'corrected' : 'reported', promptTokens, completionTokens }
    },
  }
}
