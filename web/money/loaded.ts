import { signal, type Signal } from '@preact/signals'
import { council, isSignedOut, messageOf, signInAgain } from '../server.ts'

/** Something that the page asks the server for: not there yet, there, or why not. */
export type Loaded<T> = { state: 'loading' } | { state: 'there'; value: T } | { state: 'failed'; why: string }

export const loading = <T>(): Signal<Loaded<T>> => signal<Loaded<T>>({ state: 'loading' })

/** Reads all rows of a list into a signal. */
export async function load<Row>(
  into: Signal<Loaded<readonly Row[]>>,
  path: string,
  name: string,
  query: Record<string, string | number> = {},
): Promise<void> {
  try {
    const value = await Array.fromAsync(council.rows<Row>(path, name, { query }))
    into.value = { state: 'there', value }
  } catch (error) {
    if (isSignedOut(error)) return signInAgain()
    into.value = { state: 'failed', why: messageOf(error) }
  }
}
