import { join } from 'node:path'
import { option } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { startWisdomCouncil, type WisdomCouncil } from './wisdom/council.ts'
import { ownQuestions, readQuestions, sampleOf, type Question } from './wisdom/question.ts'
import { attemptsOf, difference, disagreementOf, meanOf, rowsOf, tableOf, type Asked } from './wisdom/report.ts'

/**
 * `npm run bench:wisdom -- [--questions <file>] [--limit <n>] [--model <name>] [--council <file>] [--minutes <n>] [--at-once <n>]`: asks
 * questions with checkable answers on the fast path and on the full path, and compares the fast answer, each member alone, the chair's
 * answer, and the draft that each voting method elects with the recorded ballots. `--limit` takes questions spread over the file.
 * `--minutes` starts no question after that time; the report has those that were asked. `--at-once` asks several questions at a time, which
 * a server that batches answers sooner in all; the time of an answer then includes waiting for the others.
 */
const questionsFile = option('--questions') ?? ownQuestions
const limit = Number(option('--limit') ?? Number.MAX_SAFE_INTEGER)
const minutes = Number(option('--minutes') ?? 50)
const atOnce = Number(option('--at-once') ?? 1)
const councilFile = option('--council') ?? 'config/council.json'

const format = 'End with a line "Answer: " followed by the answer alone.'

async function measure(dataFolder: string): Promise<Figures> {
  const questions = sampleOf(readQuestions(questionsFile), limit)
  const redis = await startRedis(join(dataFolder, 'redis'))
  const council = await startWisdomCouncil(redis.url, { councilFile, model: option('--model'), atOnce })
  console.log(`${questions.length} questions, ${council.what}`)
  const asked = await askAll(council, questions)
  await council.stop()
  await redis.kill()

  const members = council.seating.members.map(({ id }) => id)
  const results = asked.map((one) => ({
    id: one.question.id,
    kind: one.question.kind,
    attempts: attemptsOf(one, members),
  }))
  const rows = rowsOf(results.flatMap(({ attempts }) => attempts))
  console.log(tableOf(rows))
  const methodUsed = council.seating.method
  const unanswered = asked.filter(({ fast, full }) => fast.answer === null || full.answer === null).length
  return {
    settings: {
      questions: questionsFile === ownQuestions ? 'bench/wisdom/questions.jsonl' : questionsFile,
      asked: asked.length,
      of: questions.length,
      atOnce,
      model: council.what,
      council: councilFile,
      seating: council.seating,
      answerMaxTokens: council.answerMaxTokens,
      redis: redisSettings,
    },
    figures: {
      rows,
      /** The questions that tell fast and full apart. */
      paired: disagreementOf(results, 'full (chair)', 'fast'),
      deliberations: {
        degraded: asked.flatMap(({ full }) => full.degraded),
        ballots: asked.reduce((sum, { full }) => sum + full.ballots.length, 0),
        abstentions: asked.reduce((sum, { full }) => sum + full.abstentions, 0),
      },
      texts: asked.map(({ question, fast, full }) => ({
        id: question.id,
        fast: fast.answer,
        full: full.answer,
        drafts: full.drafts,
        candidates: full.rules?.candidates,
        ballots: full.ballots,
      })),
      results,
    },
    ratios: {
      'questions without an answer': unanswered,
      'share of right answers, full less fast': difference(rows, 'full (chair)', 'fast'),
      'share of right answers, elected draft less the mean member': meanOf(
        members.map((member) => difference(rows, methodUsed, `${member} alone`)),
      ),
    },
  }
}

/** Asks the questions in order, `atOnce` of them at a time, and returns those that were asked, in the order of their answers. */
async function askAll(council: WisdomCouncil, questions: readonly Question[]): Promise<Asked[]> {
  const endAt = performance.now() + minutes * 60_000
  const asked: Asked[] = []
  const waiting = questions.values()
  const askOneByOne = async (): Promise<void> => {
    while (performance.now() <= endAt) {
      const { value: question } = waiting.next()
      if (question === undefined) return
      const text = `${question.text}\n\n${format}`
      const one = { question, fast: await council.ask(text, 'fast'), full: await council.ask(text, 'full') }
      asked.push(one)
      console.log(lineOf(one))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, askOneByOne))
  if (asked.length === 0) throw new Error('no question was asked')
  return asked
}

const lineOf = ({ question, fast, full }: Asked): string =>
  `${question.id}: fast ${Math.round(fast.totalMs)} ms, full ${Math.round(full.totalMs)} ms, ${full.ballots.length} ballots, ${full.drafts.length} drafts${full.degraded.map((reason) => `, ${reason}`).join('')}`

await runBenchmark('wisdom', measure)
