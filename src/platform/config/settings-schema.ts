import { isIP } from 'node:net'
import { z } from 'zod'
import { parseRedisAddress } from '../redis/address.ts'
import { Secret } from '../secret.ts'

/** The facts about this machine that defaults and paths depend on; passed in, so that a test decides them. */
export type Machine = {
  cores: number
  cacheDir: string
  /** Makes a path absolute. */
  toPath: (path: string) => string
}

/**
 * Every setting, in groups: its name in `Config`, its name in the environment, the values that it accepts (in words, printed as
 * "allowed"), its default, and the value that it becomes. `HOST` is `config.server.host`. To add a setting, add an entry to its group
 * below and a line to `config/local.env`.
 * An own message says more than "allowed" does. No message repeats a value, because it may be a secret in the wrong place.
 */
export const settingsSchema = (machine: Machine) =>
  z.object({
    server: serverSettings(),
    council: councilSettings(machine),
    stores: storeSettings(),
    vllm: vllmSettings(),
    embeddedModel: embeddedModelSettings(machine),
    answers: answerSettings(machine),
    log: logSettings(machine),
    access: accessSettings(),
    worker: workerSettings(),
    scheduler: schedulerSettings(),
    limits: limitSettings(),
    client: clientSettings(),
  })

/** The process of a server. */
const serverSettings = () =>
  z.object({
    host: setting('HOST', z.string().refine(isHost).prefault('127.0.0.1'), 'an IP address or a host name'),
    port: setting('PORT', whole(0, 65_535).prefault('8787'), 'a whole number from 0 (any free port) to 65535'),
    shutdownTimeoutMs: setting(
      'SHUTDOWN_TIMEOUT_MS',
      whole(1_000, 9_500).prefault('8000'),
      'milliseconds, 1000 to 9500: hosts end a process 10 s after they asked it to',
    ),
    logLevel: setting('LOG_LEVEL', z.enum(logLevels).prefault('info'), logLevels.join(', ')),
  })

/** The council that the command line and the roles work on, and its folder on this machine. */
const councilSettings = ({ toPath }: Machine) =>
  z.object({
    id: setting(
      'COUNCIL_ID',
      z
        .string()
        .regex(/^[a-z0-9-]{1,32}$/)
        .prefault('main'),
      '1 to 32 of a-z, 0-9 and -',
    ),
    dataDir: setting('DATA_DIR', path(toPath).prefault('.data'), 'a folder; a relative one starts at the repository'),
    councilFile: setting(
      'COUNCIL_FILE',
      path(toPath).prefault('config/council.json'),
      'a JSON file; a relative one starts at the repository',
    ),
  })

/** Real servers; an embedded one runs if its setting is absent. Secrets, because they may hold a password. */
const storeSettings = () =>
  z.object({
    redisUrl: secretSetting('REDIS_URL', redisUrl, redisUrlForm),
    redisEphemeralUrl: secretSetting('REDIS_EPHEMERAL_URL', redisUrl, redisUrlForm),
    databaseUrl: secretSetting(
      'DATABASE_URL',
      postgresUrl,
      'postgres:// or postgresql://; without it an embedded Postgres runs',
    ),
  })

/** Model servers. Base addresses are without `/v1`; without any, the embedded model answers. */
const vllmSettings = () =>
  z.object({
    urls: setting(
      'VLLM_URL',
      list(vllmUrl).prefault(''),
      'one or several http:// or https:// addresses, separated by commas, without user or password',
    ),
    model: setting('VLLM_MODEL', z.string().max(200).optional(), 'the name of a served model'),
    apiKey: secretSetting('VLLM_API_KEY', secret(1), 'visible ASCII characters without spaces'),
    concurrency: setting('VLLM_CONCURRENCY', whole(1, 10_000).prefault('8'), 'a whole number from 1 to 10000'),
    firstTokenTimeoutMs: setting(
      'VLLM_FIRST_TOKEN_TIMEOUT_MS',
      whole(100, 3_600_000).prefault('120000'),
      'milliseconds, 100 to 3600000',
    ),
    idleTimeoutMs: setting(
      'VLLM_IDLE_TIMEOUT_MS',
      whole(100, 3_600_000).prefault('60000'),
      'milliseconds, 100 to 3600000',
    ),
  })

/** The model that runs on this machine's CPU. */
const embeddedModelSettings = ({ cores, cacheDir, toPath }: Machine) =>
  z.object({
    path: setting('MODEL_PATH', path(toPath).optional(), 'a .gguf file'),
    threads: setting(
      'MODEL_THREADS',
      whole(1, cores).prefault(String(Math.max(1, cores - 1))),
      `a whole number from 1 to ${cores}, the cores of this machine`,
    ),
    cacheDir: setting('MODEL_CACHE', path(toPath).prefault(`${cacheDir}/hybrid-ai-council/models`), 'a folder'),
  })

/** The bounds and prices of every answer, whatever model gives it. */
const answerSettings = ({ toPath }: Machine) =>
  z.object({
    pricesFile: setting(
      'PRICES_FILE',
      path(toPath).prefault('config/prices.json'),
      'a JSON file; a relative one starts at the repository',
    ),
    maxTokens: setting('ANSWER_MAX_TOKENS', whole(1, 100_000).prefault('512'), 'a whole number from 1 to 100000'),
    timeoutMs: setting('ANSWER_TIMEOUT_MS', whole(1_000, 840_000).prefault('600000'), 'milliseconds, 1000 to 840000'),
  })

/** The durability of events, and the evidence against tampering with them. */
const logSettings = ({ toPath }: Machine) =>
  z.object({
    durability: setting(
      'DURABILITY',
      z.enum(['fsync', 'archived', 'memory']).prefault('fsync'),
      'fsync, archived or memory',
    ),
    hotWindowMs: setting(
      'HOT_WINDOW_HOURS',
      whole(24, 87_600)
        .transform((hours) => hours * 3_600_000)
        .prefault('48'),
      'hours, 24 to 87600',
    ),
    macKeyFile: setting(
      'MAC_KEY_FILE',
      path(toPath).optional(),
      'a file that only this user can read, with keys of 32 bytes in base64url, one a line, the newest last',
    ),
    sealEveryEvents: setting(
      'SEAL_EVERY_EVENTS',
      whole(1, 100_000_000).prefault('10000'),
      'a whole number from 1 to 100000000',
    ),
    sealEveryMs: setting(
      'SEAL_EVERY_SECONDS',
      whole(1, 86_400)
        .transform((seconds) => seconds * 1_000)
        .prefault('60'),
      'seconds, 1 to 86400',
    ),
    sealKeyFile: setting('SEAL_KEY_FILE', path(toPath).optional(), sealKeyForm),
    sealPreviousKeyFile: setting('SEAL_PREVIOUS_KEY_FILE', path(toPath).optional(), sealKeyForm),
    sealsFile: setting(
      'SEALS_FILE',
      z
        .string()
        .transform((text) => (text === '-' ? text : toPath(text)))
        .optional(),
      'a file, or - for stdout',
    ),
  })

/** The token and the origins that the api accepts. */
const accessSettings = () =>
  z.object({
    adminToken: secretSetting('ADMIN_TOKEN', secret(32), '32 or more visible ASCII characters without spaces'),
    allowedOrigins: setting(
      'ALLOWED_ORIGINS',
      list(origin).prefault(''),
      'exact origins such as https://council.example.org, separated by commas',
    ),
  })

const workerSettings = () =>
  z.object({
    concurrency: setting('WORKER_CONCURRENCY', whole(1, 1_000).prefault('4'), 'a whole number from 1 to 1000'),
    leaseMs: setting('WORKER_LEASE_MS', whole(1_000, 600_000).prefault('5000'), 'milliseconds, 1000 to 600000'),
  })

const schedulerSettings = () =>
  z.object({
    leaseMs: setting('SCHEDULER_LEASE_MS', whole(1_000, 600_000).prefault('10000'), 'milliseconds, 1000 to 600000'),
  })

/** The api's limits, each for one subject. */
const limitSettings = () =>
  z.object({
    maxSocketsPerSubject: setting('MAX_SOCKETS_PER_SUBJECT', whole(1, 1_000_000).prefault('100'), aMillion),
    maxCommandsInFlight: setting('MAX_COMMANDS_IN_FLIGHT', whole(1, 1_000_000).prefault('200'), aMillion),
    maxPromptsPerMinute: setting('MAX_PROMPTS_PER_MINUTE', whole(1, 1_000_000).prefault('300'), aMillion),
    /** Of one address, and not of a subject: it has none yet. */
    maxFailedLoginsPerMinute: setting('MAX_FAILED_LOGINS_PER_MINUTE', whole(1, 1_000_000).prefault('60'), aMillion),
    maxFramesPerSecond: setting('MAX_FRAMES_PER_SECOND', whole(1, 1_000_000).prefault('500'), aMillion),
    approvalWaitMs: setting('APPROVAL_WAIT_MS', whole(0, 3_600_000).prefault('60000'), 'milliseconds, 0 to 3600000'),
  })

/** The server that the command line talks to, where it is not the one on DATA_DIR. */
const clientSettings = () =>
  z.object({
    url: setting(
      'COUNCIL_URL',
      z.string().transform(httpAddress).optional(),
      'an http:// or https:// address without user or password',
    ),
    token: secretSetting('COUNCIL_TOKEN', secret(1), 'visible ASCII characters without spaces'),
  })

export type Settings = z.output<ReturnType<typeof settingsSchema>>

/** One setting as a user sees it. `group` and `key` are its place in `Settings`. */
export type SettingEntry = { group: string; key: string; name: string; allowed: string; isSecret: boolean }

/** The settings of a schema, in its order. */
export const settingEntries = (schema: ReturnType<typeof settingsSchema>): SettingEntry[] =>
  Object.entries(schema.shape).flatMap(([group, { shape }]) =>
    Object.entries<z.ZodType>(shape).map(([key, value]) => {
      const { setting: name, description: allowed, isSecret } = entryMeta.parse(value.meta())
      return { group, key, name, allowed, isSecret }
    }),
  )

/** Values, given by their names in the environment, as a schema takes them: by group and key. */
export function byGroup(entries: readonly SettingEntry[], values: Readonly<Record<string, string | undefined>>) {
  const groups: Record<string, Record<string, string | undefined>> = {}
  for (const { group, key, name } of entries) (groups[group] ??= {})[key] = values[name]
  return groups
}

const entryMeta = z.object({ setting: z.string(), description: z.string(), isSecret: z.boolean() })

/** Every name that a settings file may use: each secret has a second setting, `<NAME>_FILE`, because platforms pass secrets as files. */
export const settingNames = (entries: readonly SettingEntry[]): string[] => [
  ...entries.map(({ name }) => name),
  ...entries.filter(({ isSecret }) => isSecret).map(({ name }) => fileSettingOf(name)),
]
export const fileSettingOf = (name: string): string => `${name}_FILE`

const setting = <S extends z.ZodType>(name: string, schema: S, allowed: string): S =>
  schema.meta({ setting: name, description: allowed, isSecret: false })
const path = (toPath: Machine['toPath']) => z.string().transform(toPath)
const secretSetting = <S extends z.ZodType<Secret>>(name: string, schema: S, allowed: string) =>
  schema.optional().meta({ setting: name, description: allowed, isSecret: true })

/** True for addresses that only this machine can reach. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))

const aMillion = 'a whole number from 1 to 1000000'

/** Tokens travel in an Authorization header, where anything but visible ASCII breaks. */
const secret = (minLength: number) =>
  z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .min(minLength, `is shorter than ${minLength} characters`)
    .transform((text) => new Secret(text))

const redisUrlForm =
  'redis://, rediss:// or unix:///path, or a Redis Cluster: several addresses separated by commas, or one that ends in ?cluster; without it an embedded Redis runs'
const redisUrl = z
  .string()
  .refine((text) => parseRedisAddress(text) !== undefined)
  .transform((text) => new Secret(text))

const postgresUrl = z
  .string()
  .refine((text) => ['postgres:', 'postgresql:'].includes(urlOf(text)?.protocol ?? ''))
  .transform((text) => new Secret(text))

const sealKeyForm = 'a file that only this user can read, with an Ed25519 key in PEM (PKCS#8)'

/** A comma-separated list. Every entry must parse; entries are trimmed, and repetitions are dropped. */
const list = (entry: (text: string, context: z.RefinementCtx) => string) =>
  z.string().transform((text, context) => {
    const entries = text === '' ? [] : text.split(',')
    return [...new Set(entries.map((part) => entry(part.trim(), context)))]
  })

function httpAddress(text: string, context: z.RefinementCtx): string {
  const url = urlOf(text)
  const plain =
    url && ['http:', 'https:'].includes(url.protocol) && url.username + url.password + url.search + url.hash === ''
  if (!plain) context.addIssue({ code: 'custom' })
  return text.replace(/\/+$/, '')
}

/** `/v1` is optional in the setting; the council uses addresses without it. */
function vllmUrl(text: string, context: z.RefinementCtx): string {
  return httpAddress(text, context).replace(/\/v1$/, '')
}

function origin(text: string, context: z.RefinementCtx): string {
  const url = urlOf(text)
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.origin !== text) context.addIssue({ code: 'custom' })
  return text
}

function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  return text.length <= 253 && /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/i.test(text) && !/(^|\.)\d+$/.test(text)
}

function urlOf(text: string): URL | undefined {
  return URL.parse(text) ?? undefined
}
