import type { Pending } from './types.ts'

/**
 * Commands in one append. So many fit into the buffer of a Unix socket (about 200 kB), beyond which its two sides wait for one
 * another; and more at once are no faster over TCP, but hold up whoever else asks Redis (measured).
 */
const maxBatch = 128

/** As many as may go into one append, in order. The same id twice must not be in one: the log could not tell them apart. */
export function takeBatch(queue: Pending[], wanted: number): Pending[] {
  const ids = new Set<string>()
  const most = Math.min(wanted, maxBatch)
  let count = 0
  for (const { context } of queue) {
    if (count === most || ids.has(context.commandId)) break
    ids.add(context.commandId)
    count++
  }
  return queue.splice(0, count)
}
