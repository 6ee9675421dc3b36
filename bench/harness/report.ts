import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { describeMachine, measuredCommit } from './machine.ts'
import type { Spread } from './spread.ts'

const Goal = z.strictObject({
  name: z.string(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  below: z.number().optional(),
})
type Goal = z.infer<typeof Goal>
const Goals = z.record(z.string(), z.array(Goal))

const benchFolder = join(import.meta.dirname, '..')

export type Figures = {
  settings: Record<string, unknown>
  /** What was measured, in full. */
  figures: Record<string, unknown>
  /** By name. Each of the benchmark's goals is one of them. */
  ratios: Record<string, number | Spread>
}

/** Runs a benchmark and prints its result, in the last line as JSON. `keep`: also under `bench/results/`, with all that was measured. */
export async function reportOf(
  bench: string,
  measure: () => Promise<Figures>,
  { keep }: { keep: boolean },
): Promise<void> {
  const before = { commit: await measuredCommit(), at: new Date().toISOString(), ...(await describeMachine()) }
  const { settings, figures, ratios } = await measure()
  const goals = (await goalsOf(bench)).map((goal) => judge(goal, ratios[goal.name]))
  const result = { bench, commit: before.commit, settings, figures, ratios, goals }

  if (keep) {
    await mkdir(join(benchFolder, 'results'), { recursive: true })
    const file = join(benchFolder, 'results', `${bench}-${before.at.slice(0, 19).replaceAll(':', '')}.json`)
    await writeFile(file, `${JSON.stringify({ ...before, loadAfter: loadavg(), ...result }, null, 2)}\n`)
  }
  for (const { name, value, goal, met } of goals)
    console.log(`${met ? 'met   ' : 'missed'} ${name}: ${value.toFixed(2)} (${goal})`)
  console.log(JSON.stringify(result))
}

async function goalsOf(bench: string): Promise<Goal[]> {
  const goals = Goals.parse(JSON.parse(await readFile(join(benchFolder, 'goals.json'), 'utf8')))[bench]
  if (!goals) throw new Error(`bench/goals.json has no goals for ${bench}`)
  return goals
}

function judge({ name, atLeast, atMost, below }: Goal, ratio: number | Spread | undefined) {
  const value = typeof ratio === 'object' ? ratio.median : ratio
  if (value === undefined) throw new Error(`the goal "${name}" was not measured`)
  const met =
    (atLeast === undefined || value >= atLeast) &&
    (atMost === undefined || value <= atMost) &&
    (below === undefined || value < below)
  const goal =
    atLeast !== undefined
      ? `at least ${atLeast}`
      : atMost !== undefined
        ? `at most ${atMost}`
        : `below ${below ?? 'anything'}`
  return { name, value, goal, met }
}
