import type { Pending } from './types.ts'

/**
 * The maximum number of commands in one append. They fit into the buffer of a Unix socket (about 200 kB); beyond that, sender and
 * receiver wait for each other. Over TCP, larger appends are no faster and delay other Redis clients (measured).
 */
const maxBatch = 128

/** Takes as many commands as fit into one append, in order. An append never has the same command id twice. */
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
