import { signal, type Signal } from '@preact/signals'
import type { ReadOptions } from '../src/client/read.ts'
import { council, faultOf } from './server.ts'

/** Something that the page asks the server for: not there yet, there, or why not. */
export type Loaded<T> = { state: 'loading' } | { state: 'there'; value: T } | { state: 'failed'; why: string }

export const loading = <T>(): Signal<Loaded<T>> => signal<Loaded<T>>({ state: 'loading' })

/** Reads all rows of a list into a signal. */
export async function load<Row>(
  into: Signal<Loaded<readonly Row[]>>,
  path: string,
  name: string,
  options: Pick<ReadOptions<Row>, 'query' | 'after'> = {},
): Promise<void> {
  try {
    const value = await Array.fromAsync(council.rows<Row>(path, name, options))
    into.value = { state: 'there', value }
  } catch (error) {
    into.value = { state: 'failed', why: faultOf(error) }
  }
}
