import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const notOurs = new Set(['node_modules', '.git', '.data', '.env', '.tmp', 'coverage'])

/** Every file that belongs to the repository, by its path from the root. */
export const ownFiles = filesBelow('.').toSorted()

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]))
}

/** Those that people write as text. The lockfile is a machine's. */
export const writtenFiles = ownFiles.filter(
  (file) => file !== 'package-lock.json' && !/\.(png|svg|gguf|jsonl)$/.test(file),
)

export const read = (file: string): string => readFileSync(file, 'utf8')

/** Places where a pattern occurs, as `file:line: text`, so that a failing rule shows where. */
export function occurrences(pattern: RegExp, files: readonly string[]): string[] {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  )
}

/** Relative links of a Markdown file that lead nowhere. */
export function deadLinks(file: string): string[] {
  const prose = read(file).replaceAll(/^```[^]*?^```/gm, '')
  return [...prose.matchAll(/\]\(([^)\s]+)/g)]
    .map(([, target]) => (target ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(dirname(file), decodeURI(target))))
    .map((target) => `${file}: ${target}`)
}

/** Stable codes: every exported array whose name ends in `Codes`, from the file that holds it. */
export async function codesIn(file: string): Promise<string[]> {
  const names = [...read(file).matchAll(/^export const (\w*Codes) = (?:\[|Object\.keys\()/gm)].map(
    ([, name]) => name ?? '',
  )
  if (names.length === 0) return []
  const module = z.record(z.string(), z.unknown()).parse(await import(join(process.cwd(), file)))
  return names.flatMap((name) => z.array(z.string()).parse(module[name]))
}

/** Codes that a file spells out where it uses them (`code: 'x'`), except for the issues that zod reports. */
export const literalCodesIn = (file: string): string[] =>
  [...read(file).matchAll(/(?<!addIssue\(\{ )\bcode: '([a-z_]+)'/g)].map(([, code]) => code ?? '')

/** The codes that the tables of a document explain: those in the first column under `code`. */
export const explainedCodes = (file: string): string[] =>
  [...read(file).matchAll(/^\| code \|.*\n\|[-|]+\n((?:\|.*\n?)+)/gm)].flatMap(([, rows = '']) =>
    rows
      .split('\n')
      .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => code ?? '')),
  )
