import { isIP } from 'node:net'
import { z } from 'zod'
import { parseRedisAddress } from '../redis/address.ts'
import { Secret } from '../secret.ts'

/** What the defaults depend on; passed in, so that a test decides how many cores there are. */
export type Machine = { cores: number; cacheDir: string }

/**
 * Every setting there is: what it accepts (`description`, printed as "allowed"), its default, and what it becomes.
 * A message of our own says more than "allowed" does; none may repeat the value, because it may be a secret in the wrong place.
 */
export const settingsSchema = (machine: Machine) =>
  z.object({
    HOST: z.string().refine(isHost).prefault('127.0.0.1').describe('an IP address or a host name'),
    PORT: whole(0, 65_535).prefault('8787').describe('a whole number from 0 (any free port) to 65535'),
    DATA_DIR: z.string().prefault('.data').describe('a folder; a relative one starts at the repository'),
    MODEL_CACHE: z.string().prefault(`${machine.cacheDir}/hybrid-ai-council/models`).describe('a folder'),
    COUNCIL_ID: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/)
      .prefault('main')
      .describe('1 to 32 of a-z, 0-9 and -'),
    REDIS_URL: redisUrl.optional().describe(redisUrlForm),
    REDIS_EPHEMERAL_URL: redisUrl.optional().describe(redisUrlForm),
    DATABASE_URL: z
      .string()
      .refine((text) => ['postgres:', 'postgresql:'].includes(urlOf(text)?.protocol ?? ''))
      .transform((text) => new Secret(text))
      .optional()
      .describe('postgres:// or postgresql://; without it an embedded Postgres runs'),
    VLLM_URL: list(vllmUrl)
      .prefault('')
      .describe('one or several http:// or https:// addresses, separated by commas, without user or password'),
    VLLM_MODEL: z.string().max(200).optional().describe('the name of a served model'),
    VLLM_API_KEY: secret(1).optional().describe('visible ASCII characters without spaces'),
    VLLM_CONCURRENCY: whole(1, 10_000).prefault('8').describe('a whole number from 1 to 10000'),
    VLLM_FIRST_TOKEN_TIMEOUT_MS: whole(100, 3_600_000).prefault('120000').describe('milliseconds, 100 to 3600000'),
    VLLM_IDLE_TIMEOUT_MS: whole(100, 3_600_000).prefault('60000').describe('milliseconds, 100 to 3600000'),
    MODEL_PATH: z.string().optional().describe('a .gguf file'),
    MODEL_THREADS: whole(1, machine.cores)
      .prefault(String(Math.max(1, machine.cores - 1)))
      .describe(`a whole number from 1 to ${machine.cores}, the cores of this machine`),
    PRICES_FILE: z
      .string()
      .prefault('config/prices.json')
      .describe('a JSON file; a relative one starts at the repository'),
    ANSWER_MAX_TOKENS: whole(1, 100_000).prefault('512').describe('a whole number from 1 to 100000'),
    ANSWER_TIMEOUT_MS: whole(1_000, 840_000).prefault('600000').describe('milliseconds, 1000 to 840000'),
    DURABILITY: z.enum(['fsync', 'archived', 'memory']).prefault('fsync').describe('fsync, archived or memory'),
    HOT_WINDOW_HOURS: whole(24, 87_600).prefault('48').describe('hours, 24 to 87600'),
    MAC_KEY_FILE: z
      .string()
      .optional()
      .describe('a file that only this user can read, with keys of 32 bytes in base64url, one a line, the newest last'),
    SEAL_EVERY_EVENTS: whole(1, 100_000_000).prefault('10000').describe('a whole number from 1 to 100000000'),
    SEAL_EVERY_SECONDS: whole(1, 86_400).prefault('60').describe('seconds, 1 to 86400'),
    SEAL_KEY_FILE: z
      .string()
      .optional()
      .describe('a file that only this user can read, with an Ed25519 key in PEM (PKCS#8)'),
    SEAL_PREVIOUS_KEY_FILE: z
      .string()
      .optional()
      .describe('a file that only this user can read, with an Ed25519 key in PEM (PKCS#8)'),
    SEALS_FILE: z.string().optional().describe('a file, or - for stdout'),
    ADMIN_TOKEN: secret(32).optional().describe('32 or more visible ASCII characters without spaces'),
    ALLOWED_ORIGINS: list(origin)
      .prefault('')
      .describe('exact origins such as https://council.example.org, separated by commas'),
    WORKER_CONCURRENCY: whole(1, 1_000).prefault('4').describe('a whole number from 1 to 1000'),
    WORKER_LEASE_MS: whole(1_000, 600_000).prefault('5000').describe('milliseconds, 1000 to 600000'),
    MAX_SOCKETS_PER_SUBJECT: whole(1, 1_000_000).prefault('100').describe('a whole number from 1 to 1000000'),
    MAX_COMMANDS_IN_FLIGHT: whole(1, 1_000_000).prefault('200').describe('a whole number from 1 to 1000000'),
    MAX_PROMPTS_PER_MINUTE: whole(1, 1_000_000).prefault('300').describe('a whole number from 1 to 1000000'),
    MAX_FRAMES_PER_SECOND: whole(1, 1_000_000).prefault('500').describe('a whole number from 1 to 1000000'),
    SHUTDOWN_TIMEOUT_MS: whole(1_000, 9_500)
      .prefault('8000')
      .describe('milliseconds, 1000 to 9500: hosts end a process 10 s after they asked it to'),
    COUNCIL_URL: z
      .string()
      .transform(httpAddress)
      .optional()
      .describe('an http:// or https:// address without user or password'),
    COUNCIL_TOKEN: secret(1).optional().describe('visible ASCII characters without spaces'),
    ADMIN_TOKEN_FILE: secretFileOf('ADMIN_TOKEN'),
    REDIS_URL_FILE: secretFileOf('REDIS_URL'),
    REDIS_EPHEMERAL_URL_FILE: secretFileOf('REDIS_EPHEMERAL_URL'),
    DATABASE_URL_FILE: secretFileOf('DATABASE_URL'),
    VLLM_API_KEY_FILE: secretFileOf('VLLM_API_KEY'),
    COUNCIL_TOKEN_FILE: secretFileOf('COUNCIL_TOKEN'),
    LOG_LEVEL: z.enum(logLevels).prefault('info').describe(logLevels.join(', ')),
  })

export type Settings = z.output<ReturnType<typeof settingsSchema>>

/** True for addresses that only this machine can reach. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** Settings whose value may lie in the file that `<NAME>_FILE` names: platforms hand secrets over as files. */
export const secretSettings = [
  'ADMIN_TOKEN',
  'REDIS_URL',
  'REDIS_EPHEMERAL_URL',
  'DATABASE_URL',
  'VLLM_API_KEY',
  'COUNCIL_TOKEN',
] as const
const secretFileOf = (name: (typeof secretSettings)[number]) =>
  z.string().optional().describe(`a file that only this user can read, with the value of ${name}`)

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))

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

/** A comma list whose every entry must parse; entries are trimmed and repetitions left out. */
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

/** `/v1` is optional for people; inside, addresses never have it. */
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
