import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readSettingsFile, type ConfigProblem, type SettingsSource } from './settings-files.ts'
import { isLoopback, secretSettings, settingsSchema, type Settings } from './settings-schema.ts'
import { readPrivateFile } from '../process/secret-file.ts'

export type { ConfigProblem }
export type Config = Readonly<ReturnType<typeof toConfig>>
export type LoadedConfig = { ok: true; config: Config } | { ok: false; problems: ConfigProblem[] }

/** Where this repository lies: relative paths in settings start here, so that every command finds the same data from any folder. */
export const repositoryRoot = resolve(import.meta.dirname, '../../..')

export type ConfigSources = {
  env: Readonly<Record<string, string | undefined>>
  /** Where `.env` is looked for. */
  cwd: string
  /** Where `config/` is and where relative paths start; the repository but for tests. */
  root?: string
  /** Cores that MODEL_THREADS may use; those of this machine but for tests. */
  cores?: number
}

/**
 * Reads all settings: the environment, then `.env`, then `config/<COUNCIL_ENV>.env`; the earlier wins, an empty value is no value.
 * All problems come at once. Nothing is touched: whoever starts a process prints them and ends with exit code 2 before it opens,
 * makes or connects to anything.
 */
export function loadConfig({
  env,
  cwd,
  root = repositoryRoot,
  cores = availableParallelism(),
}: ConfigSources): LoadedConfig {
  const home = env['HOME'] || homedir()
  const schema = settingsSchema({ cores, cacheDir: env['XDG_CACHE_HOME'] || join(home, '.cache') })
  const names = ['COUNCIL_ENV', ...Object.keys(schema.shape)]
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

  const given = Object.fromEntries(names.map((name) => [name, sourceOf(name, sources)?.values.get(name)]))
  const toPath = (path: string): string => resolve(root, path.replace(/^~(?=\/|$)/, home))
  problems.push(...readSecrets(given, toPath))
  const parsed = schema.safeParse(given, { error: () => 'has a value that is not allowed' })
  for (const issue of parsed.error?.issues ?? []) {
    const [name, definition] = Object.entries(schema.shape).find(([key]) => key === issue.path[0]) ?? []
    if (name === undefined || problems.some(({ setting }) => setting === name)) continue
    const place = sourceOf(name, sources)?.shownAs ?? 'its default'
    problems.push({
      setting: name,
      problem: `${issue.message} (from ${place})`,
      allowed: definition?.description ?? '',
    })
  }
  if (parsed.success && !isLoopback(parsed.data.HOST) && parsed.data.ADMIN_TOKEN === undefined) {
    const allowed = schema.shape.ADMIN_TOKEN.description ?? ''
    problems.push({ setting: 'ADMIN_TOKEN', problem: 'is missing, while HOST lets other machines in', allowed })
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems }

  return { ok: true, config: toConfig(parsed.data, councilEnv, toPath) }
}

/** Takes the values of secrets from the files that their `<NAME>_FILE` names. One that is given in both ways is a problem: one of them is stale. */
function readSecrets(given: Record<string, string | undefined>, toPath: (path: string) => string): ConfigProblem[] {
  return secretSettings.flatMap((name) => {
    const setting = `${name}_FILE`
    const file = given[setting]
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
      // Without the reason, which names the path: that may be the secret itself, in the wrong place.
      return problemOf('names a file that cannot be read, or that others can read (chmod 600)')
    }
  })
}

function sourceOf(name: string, sources: readonly SettingsSource[]): SettingsSource | undefined {
  return sources.find(({ values }) => (values.get(name) ?? '') !== '')
}

function toConfig(settings: Settings, councilEnv: 'local' | 'cloud', toPath: (path: string) => string) {
  const optionalPath = (path: string | undefined): string | undefined => (path === undefined ? undefined : toPath(path))
  return {
    councilEnv,
    host: settings.HOST,
    port: settings.PORT,
    dataDir: toPath(settings.DATA_DIR),
    modelCache: toPath(settings.MODEL_CACHE),
    councilId: settings.COUNCIL_ID,
    /** Absent: the embedded server. A Secret, because it may hold a password. */
    redisUrl: settings.REDIS_URL,
    redisEphemeralUrl: settings.REDIS_EPHEMERAL_URL,
    databaseUrl: settings.DATABASE_URL,
    /** Base addresses without `/v1`; empty: the embedded model. */
    vllmUrls: settings.VLLM_URL,
    vllmModel: settings.VLLM_MODEL,
    vllmApiKey: settings.VLLM_API_KEY,
    vllmConcurrency: settings.VLLM_CONCURRENCY,
    vllmFirstTokenTimeoutMs: settings.VLLM_FIRST_TOKEN_TIMEOUT_MS,
    vllmIdleTimeoutMs: settings.VLLM_IDLE_TIMEOUT_MS,
    modelPath: optionalPath(settings.MODEL_PATH),
    modelThreads: settings.MODEL_THREADS,
    pricesFile: toPath(settings.PRICES_FILE),
    answerMaxTokens: settings.ANSWER_MAX_TOKENS,
    answerTimeoutMs: settings.ANSWER_TIMEOUT_MS,
    durability: settings.DURABILITY,
    hotWindowMs: settings.HOT_WINDOW_HOURS * 3_600_000,
    sealEveryEvents: settings.SEAL_EVERY_EVENTS,
    sealEveryMs: settings.SEAL_EVERY_SECONDS * 1_000,
    sealKeyFile: optionalPath(settings.SEAL_KEY_FILE),
    sealPreviousKeyFile: optionalPath(settings.SEAL_PREVIOUS_KEY_FILE),
    /** `-`: stdout. */
    sealsFile: settings.SEALS_FILE === '-' ? ('-' as const) : optionalPath(settings.SEALS_FILE),
    macKeyFile: optionalPath(settings.MAC_KEY_FILE),
    adminToken: settings.ADMIN_TOKEN,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    workerConcurrency: settings.WORKER_CONCURRENCY,
    workerLeaseMs: settings.WORKER_LEASE_MS,
    maxSocketsPerSubject: settings.MAX_SOCKETS_PER_SUBJECT,
    maxCommandsInFlight: settings.MAX_COMMANDS_IN_FLIGHT,
    maxPromptsPerMinute: settings.MAX_PROMPTS_PER_MINUTE,
    maxFramesPerSecond: settings.MAX_FRAMES_PER_SECOND,
    shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS,
    councilUrl: settings.COUNCIL_URL,
    councilToken: settings.COUNCIL_TOKEN,
    logLevel: settings.LOG_LEVEL,
  } as const
}
