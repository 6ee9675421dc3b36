import { CodedError } from './coded-error.ts'

/**
 * The failures of the platform. The codes are stable: callers and operators decide by them.
 * A message names the failure and the remedy, and never contains a secret.
 */
export const platformErrorCodes = [
  'data_dir_unusable', // DATA_DIR or something in it cannot be made, read or trusted
  'secret_file_unusable', // a file that holds a key cannot be made, read or trusted
  'port_unavailable', // HOST and PORT cannot be listened on
  'child_not_ready', // a child process ended or stayed silent before it could be used
  'redis_missing', // no redis-server, and it cannot be installed here
  'redis_unreachable', // no connection within the limit
  'postgres_unreachable', // no connection within the limit
] as const
export type PlatformErrorCode = (typeof platformErrorCodes)[number]

export class PlatformError extends CodedError<PlatformErrorCode> {}

/** The text of a thrown value, for a log line, `/health` or a message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return inPlainWords.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message
}

/** What ioredis says about its own settings, where it means that a server is away. */
const inPlainWords: readonly (readonly [RegExp, string])[] = [
  [
    /^(Stream|Cluster) isn't (writeable|ready) and enableOfflineQueue options is false$/,
    'Redis is not reachable: there is no connection',
  ],
  [
    /^Reached the max retries per request limit/,
    'the connection to Redis broke; a command that was under way may have run',
  ],
  [/^Connection is closed\.$/, 'the connection to Redis is closed'],
]
