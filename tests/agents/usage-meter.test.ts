import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { UsageReport } from '../../src/agents/models/model.ts'
import { usageMeter } from '../../src/agents/usage-meter.ts'

const atMost = { promptTokens: 100, completionTokens: 16 }
const unknown = { source: 'unknown', promptTokens: 0, completionTokens: 0 }

type Step = UsageReport | string
const said = (promptTokens: number | null, completionTokens: number | null): UsageReport => ({
  promptTokens,
  completionTokens,
})

function metered(steps: readonly Step[]) {
  const meter = usageMeter(atMost)
  for (const step of steps)
    if (typeof step === 'string') meter.produced(step)
    else meter.report(step)
  return meter.result()
}

describe('usage', () => {
  test.each<[string, Step[]]>([
    ['no usage is reported', ['Paris.']],
    ['an answer is reported as free', ['Paris.', said(0, 0)]],
    ['the answer has tokens, but the prompt has none', ['Paris.', said(0, 5)]],
    ['the text has no tokens', ['Paris.', said(37, 0)]],
    ['a token would be longer than any', ['x'.repeat(10_000), said(37, 1)]],
    ['the last figures precede most of the text', ['Paris.', said(37, 2), 'x'.repeat(10_000)]],
    ['more tokens are reported than were requested', ['Paris.', said(37, 17)]],
    ['more tokens are reported than the prompt can have', ['Paris.', said(101, 5)]],
    ['figures are no integers', ['Paris.', said(37.5, 2.5)]],
    ['figures are negative', ['Paris.', said(-37, -2)]],
    ['figures are infinite', ['Paris.', said(Infinity, Infinity)]],
    ['figures are missing', ['Paris.', said(null, null)]],
    ['reasoning was free', ['Hm.', said(37, 0)]],
  ])('is unknown where %s', (_, steps) => {
    expect(metered(steps)).toEqual(unknown)
  })

  test.each<[string, Step[], number]>([
    ['falls to zero at the end', [said(37, 0), 'Paris', said(37, 1), ' is', said(37, 2), said(0, 0)], 2],
    ['falls in the middle', ['Paris', said(37, 5), ' is', said(37, 3)], 5],
    ['becomes null', ['Paris', said(37, 5), said(null, null)], 5],
    ['becomes absurd', ['Paris', said(37, 5), said(37, 1e15)], 5],
    ['was absurd', ['Paris', said(-1, -1), said(37, 5)], 5],
    ['loses one of its figures', ['Paris', said(37, 5), said(null, 6)], 6],
  ])('that %s is corrected to the greatest plausible figures', (_, steps, completionTokens) => {
    expect(metered(steps)).toEqual({ source: 'corrected', promptTokens: 37, completionTokens })
  })

  test.each<[string, (number | undefined)[], object]>([
    ['is reported', [30, 30], { source: 'reported', cachedPromptTokens: 30 }],
    ['is not reported', [undefined], { source: 'reported' }],
    ['changes, so the least counts', [30, 20], { source: 'reported', cachedPromptTokens: 20 }],
    ['exceeds the prompt', [38], { source: 'corrected' }],
    ['is no integer', [1.5], { source: 'corrected' }],
    ['is negative', [-1], { source: 'corrected' }],
  ])('of a prompt whose cached part %s', (_, reports, expected) => {
    const steps = reports.map((cachedPromptTokens) => ({
      ...said(37, 4),
      ...(cachedPromptTokens !== undefined && { cachedPromptTokens }),
    }))
    expect(metered(['Paris', ...steps])).toEqual({ promptTokens: 37, completionTokens: 4, ...expected })
  })

  test('is kept as reported if nothing contradicts it', () => {
    expect(metered([said(37, 0), said(37, 1), 'Paris', said(37, 3), ' is Paris.', said(37, 4)])).toEqual({
      source: 'reported',
      promptTokens: 37,
      completionTokens: 4,
    })
    expect(metered([said(null, null), 'Paris', said(37, 16)])).toEqual({
      source: 'reported',
      promptTokens: 37,
      completionTokens: 16,
    })
  })

  test('never costs more than the reservation, is never free, and is never below the last plausible report', () => {
    const figure = fc.option(fc.oneof(fc.integer({ min: -3, max: 120 }), fc.double()))
    const step = fc.oneof(fc.string(), fc.record({ promptTokens: figure, completionTokens: figure }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const result = metered(steps)
        if (result.source === 'unknown') return
        expect(result.promptTokens).toBeGreaterThanOrEqual(1)
        expect(result.promptTokens).toBeLessThanOrEqual(atMost.promptTokens)
        expect(result.completionTokens).toBeLessThanOrEqual(atMost.completionTokens)
        if (steps.some((part) => typeof part === 'string' && part !== ''))
          expect(result.completionTokens).toBeGreaterThanOrEqual(1)
      }),
    )
  })
})
