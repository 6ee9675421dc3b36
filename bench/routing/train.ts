import { writeFileSync } from 'node:fs'
import { certainEnough, intents } from '../../src/agents/council/triage/triage.ts'
import { readQuestions, weightsFile } from './questions.ts'
import { trainTriage } from './training.ts'

/** `npm run train:triage`: trains the weights of the triage on the tuning half and writes them. Prints what cross-validation expects. */
const startedAt = performance.now()
const { tuning } = readQuestions()
const { file, outOfFold } = trainTriage(tuning)
writeFileSync(weightsFile, file)

const judged = outOfFold.map(({ question, chances }) => {
  const confidence = Math.max(...chances)
  return { question, confidence, intent: intents[chances.indexOf(confidence)] }
})
const isRight = ({ question, intent }: (typeof judged)[number]) => question.intent === intent
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`
console.log(
  `${tuning.length} questions, ${file.length} bytes, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
)
console.log(`right in cross-validation: ${percent(judged.filter(isRight).length, judged.length)}`)
for (const limit of [0.5, 0.6, 0.7, 0.8, 0.9]) {
  const certain = judged.filter(({ confidence }) => confidence >= limit)
  const mark = limit === certainEnough ? ' (certainEnough)' : ''
  console.log(
    `confidence from ${limit}${mark}: ${percent(certain.length, judged.length)} decided, ${percent(certain.filter(isRight).length, certain.length)} right`,
  )
}
if (process.argv.includes('--wrong'))
  for (const { question, intent, confidence } of judged.filter((each) => !isRight(each)))
    console.log(`${question.id} ${question.intent} -> ${intent} ${confidence.toFixed(2)}: ${question.text}`)
