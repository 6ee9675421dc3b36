import { readFileSync } from 'node:fs'
import { messageOf } from '../platform-error.ts'

/** A problem with one setting. It never repeats the value, which may be a secret, or a secret in the wrong place. */
export type ConfigProblem = { setting: string; problem: string; allowed: string }

/** A source of values, and its name in problems. */
export type SettingsSource = { shownAs: string; values: ReadonlyMap<string, string> }

/** The parsed part of a settings file. `brokenLines` (from 1) are neither empty, nor a comment, nor `NAME=value`. */
export type SettingsFile = { settings: { name: string; value: string; line: number }[]; brokenLines: number[] }

const assignment = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/

/**
 * Reads the text of a settings file: one `NAME=value` a line, `#` comments (on a line of their own, or after a space), values bare
 * or in single or double quotes, no escapes, no value over several lines. Never throws. Node's own parser
 * silently skips lines that it does not understand, and a silently ignored setting is worse than a refused start.
 */
export function parseSettingsFile(text: string): SettingsFile {
  const file: SettingsFile = { settings: [], brokenLines: [] }
  text.split(/\r?\n/).forEach((rawLine, index) => {
    const line = rawLine.trim()
    if (line === '' || line.startsWith('#')) return
    const [, name, rest] = assignment.exec(line) ?? []
    const value = rest === undefined ? undefined : unquoted(rest)
    if (name === undefined || value === undefined) file.brokenLines.push(index + 1)
    else file.settings.push({ name, value, line: index + 1 })
  })
  return file
}

/** Reads a settings file and reports unknown names, repeated names and broken lines. A missing file counts as empty. */
export function readSettingsFile(
  path: string,
  shownAs: string,
  knownNames: readonly string[],
): { source: SettingsSource; problems: ConfigProblem[] } {
  const values = new Map<string, string>()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return { source: { shownAs, values }, problems: [] }
    return {
      source: { shownAs, values },
      problems: [{ setting: shownAs, problem: messageOf(error), allowed: 'a file that can be read, or none' }],
    }
  }

  const { settings, brokenLines } = parseSettingsFile(text)
  const problems = brokenLines.map((line) => ({
    setting: shownAs,
    problem: `line ${line} is not a setting`,
    allowed: 'NAME=value, or # and a comment',
  }))
  for (const { name, value, line } of settings) {
    const where = `(${shownAs} line ${line})`
    if (!knownNames.includes(name))
      problems.push({ setting: name, problem: `is not a setting ${where}`, allowed: knownNames.join(', ') })
    else if (values.has(name)) problems.push({ setting: name, problem: `is given twice ${where}`, allowed: 'one line' })
    values.set(name, value)
  }
  return { source: { shownAs, values }, problems }
}

function unquoted(rest: string): string | undefined {
  const quote = rest[0]
  if (quote !== '"' && quote !== "'") return rest.replace(/(^|\s)#.*$/, '').trim()
  const end = rest.indexOf(quote, 1)
  if (end === -1) return undefined
  return /^\s*(#.*)?$/.test(rest.slice(end + 1)) ? rest.slice(1, end) : undefined
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
