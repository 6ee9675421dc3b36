import { signal, type Signal } from '@preact/signals'
import type { ReadOptions } from '../src/client/read.ts'
import { council, faultOf } from './server.ts'

/** Something that the page asks the server for: not there yet, there, or why not. */
export type Loaded<T> = { state: 'loading' } | { state: 'there'; value: T } | { state: 'failed'; why: string }

export const loading = <T>(): Signal<Loaded<T>> => signal<Loaded<T>>({ state: 'loading' })

/** The answer to a question, or why there is none. */
export async function asked<T>(ask: () => Promise<T>): Promise<Loaded<T>> {
  try {
    return { state: 'there', value: await ask() }
  } catch (error) {
    return { state: 'failed', why: faultOf(error) }
  }
}

/** Reads the body of an answer, once. */
export const bodyOf = async <Body>(path: string, options: ReadOptions<Body> = { retryForMs: 0 }): Promise<Body> =>
  (await council.read<Body>(path, options)).body

/** Reads all rows of a list into a signal. */
export async function load<Row>(
  into: Signal<Loaded<readonly Row[]>>,
  path: string,
  name: string,
  options: Pick<ReadOptions<Row>, 'query' | 'after' | 'retryForMs'> = {},
): Promise<void> {
  into.value = await asked(() => Array.fromAsync(council.rows<Row>(path, name, options)))
}
