import type { ClientFrame } from '../api/chat/frames.ts'
import { framesUntil } from './answer.ts'
import { ConnectionLost } from './connection-lost.ts'
import { interrupted, reconnecting, type Reconnecting } from './reconnect.ts'
import type { ReceivedFrame } from './server-frame.ts'

/**
 * Everything that the server sends, over lost connections. `hello` makes the first frames of each connection. Throws
 * ClientError: the codes of `reconnecting`, and `interrupted` when the signal aborts.
 */
export async function* followFrames(
  hello: () => readonly ClientFrame[],
  dependencies: Reconnecting,
): AsyncGenerator<ReceivedFrame, void> {
  yield* reconnecting(dependencies, async function* (connection, tries) {
    for (const frame of hello()) connection.send(frame)
    for await (const received of framesUntil(connection, dependencies.signal)) {
      tries.hasProgressed()
      yield received
      if (received.frame?.type === 'restart') throw new ConnectionLost('the server restarts')
    }
    throw interrupted()
  })
}
