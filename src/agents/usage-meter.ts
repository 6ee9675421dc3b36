/** Checks the usage that a model reports for a call. */

import type { UsageSource } from '../events/amounts.ts'
import type { TokenUsage, UsageReport } from './models/model.ts'

/** The usage of a call and its reliability. With the source `unknown`, the counts are zero and have no meaning. */
export type MeteredUsage = TokenUsage & { source: UsageSource }

/**
 * Collects the usage that a model reports and checks it against the text that the model sent. Servers report zero for an answer,
 * decreasing figures, or nonsense. The bill uses the greatest plausible figures, or none.
 */
export type UsageMeter = {
  /** Adds text or reasoning that the model sent. */
  produced: (text: string) => void
  report: (usage: UsageReport) => void
  result: () => MeteredUsage
}

/** No tokenizer averages more bytes a token over a text; a lower count than this implies is wrong. */
const maxBytesPerToken = 256

/** Creates a meter for one call. `atMost` is the upper bound of its usage, as reserved. */
export function usageMeter(atMost: TokenUsage): UsageMeter {
  let bytes = 0
  let isContradicted = false
  /** The fewest of the reported ones: the cache must not make a call cheaper than it was. */
  let cached: number | null = null
  /** The greatest plausible figures so far. */
  const greatest: { promptTokens: number | null; completionTokens: number | null } = {
    promptTokens: null,
    completionTokens: null,
  }
  /** The fewest tokens that can have produced the text. */
  const fewest = () => ({ promptTokens: 1, completionTokens: Math.ceil(bytes / maxBytesPerToken) })

  const take = (name: 'promptTokens' | 'completionTokens', figure: number | null): void => {
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
      if (usage.cachedPromptTokens !== undefined) cached = Math.min(cached ?? Infinity, usage.cachedPromptTokens)
    },
    result() {
      const { promptTokens, completionTokens } = greatest
      if (promptTokens === null || completionTokens === null || completionTokens < fewest().completionTokens)
        return { source: 'unknown', promptTokens: 0, completionTokens: 0 }
      const isPossible = cached !== null && Number.isSafeInteger(cached) && cached >= 0 && cached <= promptTokens
      return {
        source: isContradicted || (cached !== null && !isPossible) ? 'corrected' : 'reported',
        promptTokens,
        ...(cached !== null && isPossible && { cachedPromptTokens: cached }),
        completionTokens,
      }
    },
  }
}
