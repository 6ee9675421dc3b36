import { describe, expect, test } from 'vitest'
import { occurrences, writtenFiles } from './support/repository.ts'

/**
 * Phrases that plain technical English does without: name the subject, and use a noun instead of a what-clause. The brackets keep these
 * patterns from matching themselves. `behind a proxy` and `so what` are fine; the patterns are narrow on purpose.
 */
const phrases = [
  /\b[w]hoever\b/i,
  /\b[n]obody\b/i,
  /\b[s]omebody\b/i,
  /\b[b]eside (it|them|the|what)\b/i,
  /\b[s]tands? (for|in|behind|beside|above|still)\b/i,
  /(^|[.:*]\s+|\/\*\*\s+)[W]hat (is|was|are|were|it|they|has|comes|leaves)\b/,
  /\b(of|from|with|by|on|at|to|for) [w]hat (is|was|are|were|it|they|has|had)\b/,
]

const scanned = writtenFiles.filter((file) => /\.(ts|js|cjs|lua|md|env|sh|ya?ml)$|^bin\//.test(file))

describe('the language of comments, messages and documents', () => {
  test.each(phrases)('avoids %s', (phrase) => expect(occurrences(phrase, scanned)).toEqual([]))
})
