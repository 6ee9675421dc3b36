import { methodNames } from '../../src/gedi/election.ts'
import { inWords, wilson, type Share } from '../harness/confidence.ts'
import { isRight } from './check.ts'
import type { Deliberation } from './deliberation.ts'
import { electedUnder } from './elected.ts'
import type { Question } from './question.ts'

/** A question with the fast path's answer and the council's deliberation. */
export type Asked = { question: Question; fast: Deliberation; full: Deliberation }

/** One way to get an answer, and its result for one question. `costMicros` and `ms` are null where they cannot be told apart. */
export type Attempt = { way: string; isRight: boolean; costMicros: number | null; ms: number | null }

/**
 * The result of each way for one question: the fast path, each member alone, the full path, and the draft that each method elects with
 * the recorded ballots. A way without an answer is wrong: a user would have none either.
 */
export function attemptsOf({ question, fast, full }: Asked, members: readonly string[]): Attempt[] {
  const isRightText = (text: string | null | undefined): boolean => text != null && isRight(question.check, text)
  const draftOf = (member: string | undefined) => full.drafts.find((draft) => draft.member === member)
  const elected = full.rules ? electedUnder({ rules: full.rules, ballots: full.ballots }) : undefined
  return [
    { way: 'fast', isRight: isRightText(fast.answer), costMicros: fast.costMicros, ms: fast.totalMs },
    ...members.map((member) => ({
      way: `${member} alone`,
      isRight: isRightText(draftOf(member)?.text),
      costMicros: draftOf(member)?.costMicros ?? 0,
      ms: null,
    })),
    { way: 'full (chair)', isRight: isRightText(full.answer), costMicros: full.costMicros, ms: full.totalMs },
    ...methodNames.map((method) => ({
      way: method,
      isRight: isRightText(draftOf(elected?.get(method))?.text),
      costMicros: full.electionMicros,
      ms: null,
    })),
    { way: 'any draft right', isRight: full.drafts.some(({ text }) => isRightText(text)), costMicros: null, ms: null },
  ]
}

export type Row = Share & { way: string; meanMicros: number | null; meanMs: number | null }

/** Adds up the attempts of all questions, one row for each way. */
export function rowsOf(all: readonly Attempt[]): Row[] {
  return [...Map.groupBy(all, ({ way }) => way)].map(([way, attempts]) => ({
    way,
    ...wilson(attempts.filter((attempt) => attempt.isRight).length, attempts.length),
    meanMicros: meanOfKnown(attempts.map(({ costMicros }) => costMicros)),
    meanMs: meanOfKnown(attempts.map(({ ms }) => ms)),
  }))
}

const meanOfKnown = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : meanOf(known)
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The number of questions that only one of two ways got right. Both ways had the same questions, so these alone tell them apart. */
export function disagreementOf(
  results: readonly { attempts: readonly Attempt[] }[],
  way: string,
  other: string,
): { only: number; onlyOther: number } {
  const isRightBy = (attempts: readonly Attempt[], name: string): boolean =>
    attempts.some((attempt) => attempt.way === name && attempt.isRight)
  const countOf = (one: string, another: string): number =>
    results.filter(({ attempts }) => isRightBy(attempts, one) && !isRightBy(attempts, another)).length
  return { only: countOf(way, other), onlyOther: countOf(other, way) }
}

/** The share of right answers of one way, less that of another. */
export const difference = (rows: readonly Row[], way: string, other: string): number =>
  share(rows, way) - share(rows, other)

const share = (rows: readonly Row[], way: string): number => rows.find((row) => row.way === way)?.share ?? Number.NaN

export function tableOf(rows: readonly Row[]): string {
  const figure = (value: number | null): string => (value === null ? '' : String(Math.round(value)))
  return [
    '| way | right | of | share (95 % interval) | micro-dollars | ms |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.way} | ${row.hits} | ${row.of} | ${inWords(row)} | ${figure(row.meanMicros)} | ${figure(row.meanMs)} |`,
    ),
  ].join('\n')
}
