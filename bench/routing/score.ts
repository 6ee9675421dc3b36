import { certainEnough, intents, triage, type Intent } from '../../src/agents/council/triage/triage.ts'
import { languages, type Question } from './questions.ts'

export type Score = {
  questions: number
  accuracy: number
  byLanguage: Record<string, number>
  byIntent: Record<string, number>
  /** Labelled intent → decided intent → questions. */
  confusion: Record<Intent, Record<Intent, number>>
  /** Share of the questions that would need a model. */
  needsModel: number
  accuracyWithoutModel: number
}

/** Triages the questions with the checked-in weights and compares the intents with the labels. */
export function scoreOf(questions: readonly Question[]): Score {
  const judged = questions.map((question) => {
    const { intent, confidence } = triage(question.text)
    return { question, intent, isRight: intent === question.intent, isCertain: confidence >= certainEnough }
  })
  type Judged = (typeof judged)[number]
  const accuracy = (of: readonly Judged[]) => of.filter(({ isRight }) => isRight).length / of.length
  const where = (matches: (each: Judged) => boolean) => accuracy(judged.filter(matches))
  const countsOf = (label: Intent) =>
    byIntent((intent) => judged.filter((each) => each.question.intent === label && each.intent === intent).length)
  const certain = judged.filter(({ isCertain }) => isCertain)
  return {
    questions: judged.length,
    accuracy: accuracy(judged),
    byLanguage: Object.fromEntries(
      languages.map((language) => [language, where(({ question }) => question.language === language)]),
    ),
    byIntent: byIntent((intent) => where(({ question }) => question.intent === intent)),
    confusion: byIntent(countsOf),
    needsModel: 1 - certain.length / judged.length,
    accuracyWithoutModel: accuracy(certain),
  }
}

const byIntent = <T>(valueOf: (intent: Intent) => T): Record<Intent, T> => ({
  simple: valueOf('simple'),
  complex: valueOf('complex'),
  exploratory: valueOf('exploratory'),
  action: valueOf('action'),
})

/** The confusion as lines of text: one line for each label. */
export const confusionTable = ({ confusion }: Score): string[] => [
  ['labelled \\ decided', ...intents].map((text) => text.padEnd(20)).join(''),
  ...intents.map((label) =>
    [label, ...intents.map((intent) => String(confusion[label][intent]))].map((text) => text.padEnd(20)).join(''),
  ),
]
