/** An error with a stable code. Callers and operators decide by the code; `docs/errors.md` explains each one. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
  }
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof CodedError ? (error as CodedError<string>).code : undefined
