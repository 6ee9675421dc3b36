/**
 * What can go wrong below the log. The codes are stable: callers and operators decide by them.
 * A message says what happened and what to do, and never holds a secret.
 */
export const platformErrorCodes = [
  'data_dir_unusable', // DATA_DIR or something in it cannot be made, read or trusted
  'secret_file_unusable', // a file that holds a key cannot be made, read or trusted
  'child_not_ready', // a child process ended or stayed silent before it could be used
  'redis_missing', // no redis-server, and it cannot be installed here
  'redis_unreachable', // no connection within the limit
  'postgres_unreachable', // no connection within the limit
] as const
export type PlatformErrorCode = (typeof platformErrorCodes)[number]

export class PlatformError extends Error {
  readonly code: PlatformErrorCode

  constructor(code: PlatformErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'PlatformError'
    this.code = code
  }
}

/** The text of whatever was thrown, for a log line or a message. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
