import { inspect } from 'node:util'

/**
 * A value that is never printed: not in a log line, in JSON, or in an inspected error.
 * Only `reveal()` returns it, so a search for that word finds every use of a secret.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
