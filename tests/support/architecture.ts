import { cruise, type ICruiseResult, type IViolation } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { existsSync, globSync } from 'node:fs'
import { join, resolve } from 'node:path'

export type ArchitectureReport = {
  /** One line a broken rule: `rule: from -> to`. */
  violations: string[]
  /** Files that the tool looked at. */
  seen: number
  /** Our files that it did not look at: with a TypeScript it does not know it sees none at all, and finds no fault. */
  unseen: string[]
}

const folders = ['src', 'migrations', 'tests', 'bench']
const notOurs = /^bench\/peers\/|\/node_modules\//

/**
 * Checks the imports of a repository against the rules of `.dependency-cruiser.cjs`. `root` has `tsconfig.json` and
 * `node_modules`.
 */
export async function checkArchitecture(root: string, rules = '.dependency-cruiser.cjs'): Promise<ArchitectureReport> {
  const options = await extractDepcruiseOptions(resolve(rules))
  const present = folders.filter((folder) => existsSync(join(root, folder)))
  const { output } = await cruise(present, { ...options, baseDir: root }, undefined, {
    tsConfig: extractTSConfig(join(root, 'tsconfig.json')),
  })
  const { modules, summary } = parse(output)
  const seen = new Set(modules.map((module) => module.source))
  const ours = present
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .filter((file) => !notOurs.test(file))
    .toSorted()
  const unseen = ours.filter((file) => !seen.has(file))
  return { violations: summary.violations.map(inWords), seen: ours.length - unseen.length, unseen }
}

function inWords({ rule, from, to, cycle }: IViolation): string {
  const path = cycle ? [from, ...cycle.map((step) => step.name)] : [from, to]
  return `${rule.name}: ${path.join(' -> ')}`
}

function parse(output: ICruiseResult | string): ICruiseResult {
  if (typeof output === 'string') throw new Error(`dependency-cruiser reported in words, not as an object: ${output}`)
  return output
}
