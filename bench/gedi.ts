import { count, methods } from '../src/gedi/count.ts'
import { methodNames, type MethodName } from '../src/gedi/election.ts'
import { judgedBy, electsBest, type Judged } from './gedi/elections.ts'
import { majorityProbability, probabilityOfBestFirst, randomNumbers } from './gedi/judges.ts'
import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { inWords, wilson, type Share } from './harness/confidence.ts'
import { spread, type Spread } from './harness/spread.ts'

/**
 * `npm run bench:gedi`: simulated judges of known competence under every voting method, without a model. It repeats known results:
 * Condorcet's jury theorem, voting against a dictator, and the number of random judges that a method survives. It also times a count.
 */
const elections = isQuick ? 500 : 4000
const seed = 'bench:gedi'
const candidates = 5
/** The noise of a competent judge, who ranks the best of five candidates first with a probability of 0.52. */
const competent = 0.5
const lotteries: readonly MethodName[] = ['blind_dictator', 'informed_dictator', 'random']
const votingMethods = methodNames.filter((method) => !lotteries.includes(method))

/** The share of elections in which each method elects the best candidate. All methods count the same elections. */
function accuracies(name: string, noises: readonly number[]): Record<MethodName, Share> {
  const random = randomNumbers(`${seed} ${name}`)
  const hits = new Map<MethodName, number>()
  for (let election = 0; election < elections; election++) {
    const judged = judgedBy(noises, candidates, random)
    for (const method of methodNames)
      if (electsBest(method, judged, random)) hits.set(method, (hits.get(method) ?? 0) + 1)
  }
  return byMethod((method) => wilson(hits.get(method) ?? 0, elections))
}

/** The share of elections between two candidates in which the majority is right. */
function majorityAccuracy(judges: number, competence: number): Share {
  // Under the Mallows model with two candidates, a judge is right with the probability 1 / (1 + noise).
  const noises = Array.from({ length: judges }, () => 1 / competence - 1)
  const random = randomNumbers(`${seed} jury ${competence} ${judges}`)
  const right = Array.from({ length: elections }, () => electsBest('plurality', judgedBy(noises, 2, random), random))
  return wilson(right.filter(Boolean).length, elections)
}

const byMethod = <T>(of: (method: MethodName) => T): Record<MethodName, T> =>
  Object.fromEntries(methodNames.map((method) => [method, of(method)])) as Record<MethodName, T>

const table = (head: readonly string[], rows: readonly (readonly string[])[]): void =>
  console.log([head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n'))

const standardErrors = ({ share, of }: Share, exact: number): number =>
  Math.abs(share - exact) / Math.sqrt((exact * (1 - exact)) / of)

/** Two candidates: each judge is right with its competence, independently of the others. */
function juryTheorem() {
  const judges = [1, 3, 5, 10, 25, 51, 101]
  const points = [0.45, 0.55, 0.6, 0.7].flatMap((competence) =>
    judges.map((number) => {
      const measured = majorityAccuracy(number, competence)
      const exact = majorityProbability(number, competence)
      return { competence, judges: number, measured, exact, standardErrors: standardErrors(measured, exact) }
    }),
  )
  table(
    ['competence', 'judges', 'majority right (95 % interval)', 'exact', 'standard errors'],
    points.map((point) => [
      String(point.competence),
      String(point.judges),
      inWords(point.measured),
      point.exact.toFixed(3),
      point.standardErrors.toFixed(1),
    ]),
  )
  return points
}

/** Eleven judges of the same noise, against one of them drawn by lot, and against one who knows the truth. */
function dictators() {
  const points = [0.5, 0.7, 0.9].map((noise) => ({
    noise,
    oneJudge: probabilityOfBestFirst(candidates, noise),
    measured: accuracies(
      `dictators ${noise}`,
      Array.from({ length: 11 }, () => noise),
    ),
  }))
  table(
    ['method', ...points.map(({ noise }) => `noise ${noise}`)],
    methodNames.map((method) => [method, ...points.map(({ measured }) => inWords(measured[method]))]),
  )
  return points
}

/** Ten judges, some of whom rank at random: up to how many a method stays better than one competent judge, and right 3 times of 4. */
function randomJudges() {
  const alone = probabilityOfBestFirst(candidates, competent)
  const points = Array.from({ length: 11 }, (_, number) => ({
    number,
    measured: accuracies(
      `random judges ${number}`,
      Array.from({ length: 10 }, (__, judge) => (judge < number ? 1 : competent)),
    ),
  }))
  /** The most random judges up to which the whole interval is above a limit; -1 if it never is. */
  const survived = (method: MethodName, limit: number): number => {
    const failed = points.findIndex(({ measured }) => measured[method].low <= limit)
    return (failed === -1 ? points.length : failed) - 1
  }
  const perMethod = byMethod((method) => ({
    betterThanOne: survived(method, alone),
    threeOfFour: survived(method, 0.75),
  }))
  const written = (number: number): string => (number < 0 ? 'none' : String(number))
  table(
    ['method', 'better than one competent judge up to', 'right 3 times of 4 up to', 'with 5 random judges of 10'],
    methodNames.map((method) => [
      method,
      written(perMethod[method].betterThanOne),
      written(perMethod[method].threeOfFour),
      points[5] ? inWords(points[5].measured[method]) : '',
    ]),
  )
  return { alone, perMethod, points }
}

const timedRuns = isQuick ? 3 : 9

/**
 * Milliseconds of CPU to count 10,000 ballots of 10 candidates, garbage collection included: with judges that rank at random, almost all
 * ballots differ. CPU time does not depend on the other load of the machine.
 */
function times(): Record<MethodName, Spread> {
  const random = randomNumbers(`${seed} times`)
  const judged = judgedBy(
    Array.from({ length: 10_000 }, () => 1),
    10,
    random,
  )
  const measured = byMethod((method) => spread(timesOf(method, judged)))
  table(
    ['method', 'CPU ms (min to max)'],
    methodNames.map((method) => {
      const { median, min, max } = measured[method]
      return [method, `${median.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`]
    }),
  )
  return measured
}

function timesOf(method: MethodName, { candidates: all, ballots, seed: drawn }: Judged): number[] {
  const election = { candidates: all, ballots: ballots[methods[method].ballots], seed: drawn, dictator: all }
  const once = (): number => {
    const before = process.cpuUsage()
    count(method, election)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  for (let warmUp = 0; warmUp < 3; warmUp++) once()
  return Array.from({ length: timedRuns }, once)
}

function measure(): Promise<Figures> {
  const jury = juryTheorem()
  const dictating = dictators()
  const surviving = randomJudges()
  const milliseconds = times()
  const voting = dictating.flatMap(({ measured }) =>
    votingMethods.map((method) => ({
      overBlind: measured[method].share - measured.blind_dictator.share,
      overInformed: measured[method].share - measured.informed_dictator.share,
    })),
  )
  return Promise.resolve({
    settings: { elections, seed, candidates, competent, ballotsPerTimedCount: 10_000, timedRuns },
    figures: { jury, dictators: dictating, randomJudges: surviving, milliseconds },
    ratios: {
      'standard errors from the exact majority probability': Math.max(...jury.map((point) => point.standardErrors)),
      'standard errors of the blind dictator from one judge': Math.max(
        ...dictating.map(({ measured, oneJudge }) => standardErrors(measured.blind_dictator, oneJudge)),
      ),
      'least of all methods that vote, less the blind dictator': Math.min(...voting.map(({ overBlind }) => overBlind)),
      'best of all methods that vote, less the informed dictator': Math.max(
        ...voting.map(({ overInformed }) => overInformed),
      ),
      'CPU milliseconds to count 10,000 ballots of 10 candidates, slowest method': Math.max(
        ...Object.values(milliseconds).map(({ median }) => median),
      ),
    },
  })
}

await runBenchmark('gedi', measure)
