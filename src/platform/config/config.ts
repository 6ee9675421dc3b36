import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readSettingsFile, type ConfigProblem, type SettingsSource } from './settings-files.ts'
import {
  byGroup,
  fileSettingOf,
  isLoopback,
  settingEntries,
  settingNames,
  settingsSchema,
  type SettingEntry,
  type Settings,
} from './settings-schema.ts'
import { readPrivateFile } from '../process/secret-file.ts'

export type { ConfigProblem }
/** Every setting, in the groups of the schema. */
export type Config = { readonly [Group in keyof Settings]: Readonly<Settings[Group]> } & {
  readonly councilEnv: 'local' | 'cloud'
}
export type LoadedConfig = { ok: true; config: Config } | { ok: false; problems: ConfigProblem[] }

/** The folder of this repository. Relative paths in settings start here, so every command finds the same data from any folder. */
export const repositoryRoot = resolve(import.meta.dirname, '../../..')

export type ConfigSources = {
  env: Readonly<Record<string, string | undefined>>
  /** The folder of `.env`. */
  cwd: string
  /** The folder of `config/`, where relative paths start; the repository except in tests. */
  root?: string
  /** The cores that MODEL_THREADS may use; those of this machine except in tests. */
  cores?: number
}

/**
 * Reads all settings: the environment, then `.env`, then `config/<COUNCIL_ENV>.env`. The earlier source wins; an empty value counts as
 * absent. Reports all problems at once and changes nothing: the caller prints them and exits with code 2 before it opens, creates or
 * connects to anything.
 */
export function loadConfig({
  env,
  cwd,
  root = repositoryRoot,
  cores = availableParallelism(),
}: ConfigSources): LoadedConfig {
  const home = env['HOME'] || homedir()
  const toPath = (path: string): string => resolve(root, path.replace(/^~(?=\/|$)/, home))
  const schema = settingsSchema({ cores, cacheDir: env['XDG_CACHE_HOME'] || join(home, '.cache'), toPath })
  const entries = settingEntries(schema)
  const names = ['COUNCIL_ENV', ...settingNames(entries)]
  const problems: ConfigProblem[] = []
  const sources: SettingsSource[] = [
    { shownAs: 'the environment', values: new Map(Object.entries(env).map(([name, value]) => [name, value ?? ''])) },
  ]
  const addFile = (path: string, shownAs: string): void => {
    const file = readSettingsFile(path, shownAs, names)
    sources.push(file.source)
    problems.push(...file.problems)
  }

  addFile(join(cwd, '.env'), '.env')
  const councilEnv = sourceOf('COUNCIL_ENV', sources)?.values.get('COUNCIL_ENV') ?? 'local'
  if (councilEnv !== 'local' && councilEnv !== 'cloud')
    return {
      ok: false,
      problems: [
        ...problems,
        { setting: 'COUNCIL_ENV', problem: 'has a value that is not allowed', allowed: 'local or cloud' },
      ],
    }
  addFile(join(root, 'config', `${councilEnv}.env`), `config/${councilEnv}.env`)

  const valueOf = (name: string): string | undefined => sourceOf(name, sources)?.values.get(name)
  const given = Object.fromEntries(entries.map(({ name }) => [name, valueOf(name)]))
  problems.push(...readSecrets(entries, given, valueOf, toPath))
  const parsed = schema.safeParse(byGroup(entries, given), { error: () => 'has a value that is not allowed' })
  for (const { path, message } of parsed.error?.issues ?? []) {
    const entry = entries.find(({ group, key }) => group === path[0] && key === path[1])
    if (!entry || problems.some((problem) => problem.setting === entry.name)) continue
    const place = sourceOf(entry.name, sources)?.shownAs ?? 'its default'
    problems.push({ setting: entry.name, problem: `${message} (from ${place})`, allowed: entry.allowed })
  }
  if (parsed.success && !isLoopback(parsed.data.server.host) && parsed.data.access.adminToken === undefined) {
    const allowed = entries.find(({ name }) => name === 'ADMIN_TOKEN')?.allowed ?? ''
    problems.push({ setting: 'ADMIN_TOKEN', problem: 'is missing, while HOST lets other machines in', allowed })
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems }

  return { ok: true, config: { ...parsed.data, councilEnv } }
}

/**
 * Adds the secrets whose files are named by `<NAME>_FILE` to the values given. A secret that is given in both ways is a problem: one of
 * them is stale.
 */
function readSecrets(
  entries: readonly SettingEntry[],
  given: Record<string, string | undefined>,
  valueOf: (name: string) => string | undefined,
  toPath: (path: string) => string,
): ConfigProblem[] {
  return entries.flatMap(({ name, isSecret }) => {
    const setting = fileSettingOf(name)
    const file = isSecret ? valueOf(setting) : undefined
    if (file === undefined) return []
    const problemOf = (problem: string): ConfigProblem[] => [
      { setting, problem, allowed: `a file that only this user can read, with the value of ${name}` },
    ]
    if (given[name] !== undefined) return problemOf(`is given, and so is ${name}`)
    try {
      const text = readPrivateFile(toPath(file))?.trim() ?? ''
      given[name] = text === '' ? undefined : text
      return text === '' ? problemOf('names a file that is missing or empty') : []
    } catch {
      // Without the reason: it names the path, which may be the secret itself in the wrong place.
      return problemOf('names a file that cannot be read, or that others can read (chmod 600)')
    }
  })
}

function sourceOf(name: string, sources: readonly SettingsSource[]): SettingsSource | undefined {
  return sources.find(({ values }) => (values.get(name) ?? '') !== '')
}
