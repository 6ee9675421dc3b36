import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { isQuick, option } from './arguments.ts'
import { makeDataFolder } from './data-folder.ts'
import { describeMachine, measuredCommit } from './machine.ts'
import { MissingPrerequisite, requireRedis } from './peers.ts'
import type { Spread } from './spread.ts'
import { childFailure, killChildren } from './supervised-child.ts'

/** `isWish`: reported next to the goals, but not one of them. */
const Goal = z.strictObject({
  name: z.string(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  below: z.number().optional(),
  isWish: z.boolean().optional(),
})
type Goal = z.infer<typeof Goal>
const Goals = z.record(z.string(), z.array(Goal).min(1))

const benchFolder = join(import.meta.dirname, '..')
const maxRunMs = 3_600_000

export type Figures = {
  settings: Record<string, unknown>
  /** Everything that was measured. */
  figures: Record<string, unknown>
  /** By name. Each of the benchmark's goals is one of them. */
  ratios: Record<string, number | Spread>
}

/**
 * Runs a benchmark and ends the process. The last line of output is the result as JSON. A full run also writes it to
 * `bench/results/`; `--results <folder>` names another folder and makes `--quick` write too. Exits with 1 when the run fails,
 * and with 2 when something that it needs is missing.
 */
export async function runBenchmark(bench: string, measure: (dataFolder: string) => Promise<Figures>): Promise<never> {
  const abort = Promise.withResolvers<never>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => abort.reject(new Error(`stopped by ${signal}`)))
  setTimeout(() => abort.reject(new Error(`not finished after ${maxRunMs / 60_000} minutes`)), maxRunMs).unref()
  let exitCode = 0
  try {
    await Promise.race([reportOf(bench, measure), childFailure, abort.promise])
  } catch (error) {
    exitCode = error instanceof MissingPrerequisite ? 2 : 1
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    console.error(`bench:${bench}: ${exitCode === 2 ? message : (stack ?? message)}`)
  }
  await killChildren()
  await removeDataFolder()
  process.exit(exitCode)
}

let removeDataFolder = (): Promise<void> => Promise.resolve()

async function reportOf(bench: string, measure: (dataFolder: string) => Promise<Figures>): Promise<void> {
  const expected = await goalsOf(bench)
  await requireRedis()
  const dataFolder = await makeDataFolder()
  removeDataFolder = dataFolder.remove
  const before = { commit: await measuredCommit(), at: new Date().toISOString(), ...(await describeMachine()) }
  const { settings, figures, ratios } = await measure(dataFolder.path)
  const goals = expected.map((goal) => judge(goal, ratios[goal.name]))
  const result = { bench, commit: before.commit, settings, figures, ratios, goals }

  const folder = option('--results') ?? (isQuick ? undefined : join(benchFolder, 'results'))
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true })
    const file = join(folder, `${bench}-${before.at.slice(0, 19).replaceAll(':', '')}.json`)
    await writeFile(file, `${JSON.stringify({ ...before, loadAfter: loadavg(), ...result }, null, 2)}\n`)
  }
  for (const [name, ratio] of Object.entries(ratios)) {
    const judged = goals.find((goal) => goal.name === name)
    const verdict = judged === undefined ? '      ' : judged.met ? 'met   ' : 'missed'
    console.log(`${verdict} ${name}: ${inFull(ratio)}${judged === undefined ? '' : ` (${judged.goal})`}`)
  }
  console.log(JSON.stringify(result))
}

const inFull = (ratio: number | Spread): string =>
  typeof ratio === 'number'
    ? ratio.toFixed(2)
    : `${ratio.median.toFixed(2)} (min ${ratio.min.toFixed(2)}, max ${ratio.max.toFixed(2)})`

/** Throws before anything is measured if a benchmark has no goals. */
async function goalsOf(bench: string): Promise<Goal[]> {
  const goals = Goals.parse(JSON.parse(await readFile(join(benchFolder, 'goals.json'), 'utf8')))[bench]
  if (!goals) throw new Error(`bench/goals.json has no goals for ${bench}`)
  return goals
}

function judge({ name, atLeast, atMost, below, isWish }: Goal, ratio: number | Spread | undefined) {
  const value = typeof ratio === 'object' ? ratio.median : ratio
  if (value === undefined) throw new Error(`the goal "${name}" was not measured`)
  const met =
    (atLeast === undefined || value >= atLeast) &&
    (atMost === undefined || value <= atMost) &&
    (below === undefined || value < below)
  const limit =
    atLeast !== undefined ? `at least ${atLeast}` : atMost !== undefined ? `at most ${atMost}` : `below ${below ?? 0}`
  return { name, value, goal: isWish ? `wish: ${limit}` : limit, met }
}
