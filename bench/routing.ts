import { createHistogram } from 'node:perf_hooks'
import { certainEnough, triage } from '../src/agents/council/triage/triage.ts'
import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { spread } from './harness/spread.ts'
import { readObvious, readQuestions, type Question } from './routing/questions.ts'
import { confusionTable, scoreOf } from './routing/score.ts'

/** `npm run bench:routing`: the triage of questions without a model, on the held-out half of the labelled questions. */
const passes = isQuick ? 3 : 21
const longestCharacters = 16_000

async function measure(): Promise<Figures> {
  const { tuning, heldOut } = readQuestions()
  const score = scoreOf(heldOut)
  const obvious = scoreOf(readObvious())
  const times = timesOf(heldOut.map(({ text }) => text))
  const longTimes = timesOf(longTexts(heldOut))
  for (const line of confusionTable(score)) console.log(line)
  return {
    settings: { passes, longestCharacters, certainEnough, tuning: tuning.length, heldOut: heldOut.length },
    figures: { heldOut: score, obvious, milliseconds: times, millisecondsOfLongestTexts: longTimes },
    ratios: {
      'held-out questions routed correctly': score.accuracy,
      'milliseconds per question': Math.max(times.p99, longTimes.p99),
      'model calls per obvious question': obvious.needsModel,
      'obvious questions routed correctly': obvious.accuracy,
      'share of held-out questions that need a model': score.needsModel,
      'routed correctly without a model': score.accuracyWithoutModel,
    },
  }
}

/** Texts of the longest allowed length, put together from held-out questions. */
function longTexts(questions: readonly Question[]): string[] {
  const all = questions.map(({ text }) => text).join('\n')
  const count = Math.ceil(all.length / longestCharacters)
  return Array.from({ length: count }, (_, at) =>
    (all + all).slice(at * longestCharacters, (at + 1) * longestCharacters),
  )
}

/** Percentiles over the texts, each with the median of its passes. The first pass only warms up the compiler. */
function timesOf(texts: readonly string[]): { p50: number; p99: number; max: number } {
  const passesOf = texts.map((): number[] => [])
  for (let pass = 0; pass <= passes; pass++)
    for (const [at, text] of texts.entries()) {
      const startedAt = performance.now()
      triage(text)
      if (pass > 0) passesOf[at]?.push(performance.now() - startedAt)
    }
  const histogram = createHistogram()
  for (const times of passesOf) histogram.record(Math.max(1, Math.round(spread(times).median * 1e6)))
  return { p50: histogram.percentile(50) / 1e6, p99: histogram.percentile(99) / 1e6, max: histogram.max / 1e6 }
}

await runBenchmark('routing', measure)
