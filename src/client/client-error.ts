/** Why the client gave up. Stable; `docs/errors.md` explains each. A problem of the server keeps its own code. */
export const clientErrorCodes = [
  'no_council', // nothing answers at this address, or something that is no council
  'unauthorized', // the server does not take this token
  'malformed_frame', // the server sent a message that is not the protocol
  'connection_lost', // and it did not come back
  'interrupted', // the caller's signal aborted
] as const
export type ClientErrorCode = (typeof clientErrorCodes)[number]

/** A failure that no retry can mend. Callers decide by the code; the message is for people. */
export class ClientError extends Error {
  /** A `ClientErrorCode`, or the code of the server's problem. */
  readonly code: string
  /** The HTTP status of the server's problem; null if the client itself found the fault. */
  readonly status: number | null

  constructor(code: ClientErrorCode | { fromServer: string; status: number | null }, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ClientError'
    this.code = typeof code === 'string' ? code : code.fromServer
    this.status = typeof code === 'string' ? null : code.status
  }
}

/** The text of a thrown value, with that of its cause: `fetch` says only "fetch failed". */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error && error.cause.message !== '' ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`
}

/** Whether a connection failed because nothing listens at its address. A browser does not tell. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : undefined
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || isRefused(error.cause)
}
