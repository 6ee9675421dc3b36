import { inspect } from 'node:util'

/**
 * A value that does not print: not in a log line, not in JSON, not in an error that shows its surroundings.
 * Only `reveal()` gives it out, so that every place which uses a secret can be found by that word.
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
