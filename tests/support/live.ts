import { firstIdentity, type Identity } from '../../src/api/access/identity.ts'
import { liveTopics } from '../../src/api/live/live-topics.ts'
import { socketTopics } from '../../src/api/live/socket-topics.ts'
import type { ServerFrame } from '../../src/api/chat/frames.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { beginning, comparePositions, Position, Principal } from '../../src/events/identifiers.ts'
import type { LogReader } from '../../src/events/log/log.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import type { ReadModelAnswer, ReadModelReader } from '../../src/projections/engine/read-model-reader.ts'

export const at = (n: number): Position => Position.parse(`1795448595415-${n}`)

/** Live topics over a tail and read models in memory. The time is that of `vi.useFakeTimers`. */
export function liveScene() {
  const listeners = new Set<(events: readonly AnyRecordedEvent[]) => void>()
  let position = at(0)
  /** The value of every topic, and the position of every read model. */
  const model = {
    value: { rows: 0 } as object | null,
    position: at(0),
    answer: null as ReadModelAnswer<never> | Error | null,
    reads: [] as { readModel: string; after: Position | null }[],
  }
  const read: ReadModelReader = <Result>(
    { name }: { name: string },
    after: Position | null,
  ): Promise<ReadModelAnswer<Result>> => {
    model.reads.push({ readModel: name, after })
    const { answer } = model
    if (answer instanceof Error) return Promise.reject(answer)
    return Promise.resolve(answer ?? { outcome: 'read', position: model.position, result: model.value as Result })
  }
  const tail = {
    listenToAll(listener: (events: readonly AnyRecordedEvent[]) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    position: () => position,
  }
  const stored: AnyRecordedEvent[] = []
  /** `atEnd` is called when a read has come to its end. */
  const log = { isAway: false, reads: 0, atEnd: (): void => undefined }
  const readLog: LogReader['read'] = async function* ({ after = beginning, upTo } = {}) {
    log.reads++
    if (log.isAway) throw new Error('Redis does not answer')
    const events = stored.filter(
      ({ position: of }) => comparePositions(of, after) > 0 && (!upTo || comparePositions(of, upTo) <= 0),
    )
    for (let start = 0; start < events.length; start += 100) yield events.slice(start, start + 100)
    log.atEnd()
  }
  const live = liveTopics({
    read,
    log: { read: readLog },
    tail,
    logger: silentLogger,
    elapsedMs: () => performance.now(),
  })

  /** A socket that takes frames at once, or while `hold` is on not at all. */
  function connect(identity: Identity = firstIdentity) {
    const frames: ServerFrame[] = []
    const raw: (ServerFrame | Buffer)[] = []
    const held: (() => void)[] = []
    const socket = { isSlow: false }
    const topics = socketTopics(live, identity, (frame) => {
      raw.push(frame)
      frames.push(Buffer.isBuffer(frame) ? (JSON.parse(frame.toString()) as ServerFrame) : frame)
      return socket.isSlow ? new Promise((resolve) => held.push(resolve)) : Promise.resolve()
    })
    return { ...topics, frames, raw, socket, release: () => held.shift()?.() }
  }

  return {
    model,
    log,
    connect,
    listening: () => listeners.size,
    /** Appends an event, which changes the value of every topic. */
    append(type: string, n: number, value: object = { rows: n }, more: Partial<AnyRecordedEvent> = {}) {
      position = at(n)
      model.position = position
      model.value = value
      const metadata = { actor: Principal.parse('user:ada') }
      const event = { position, stream: 'mode/main', type, metadata, ...more } as AnyRecordedEvent
      stored.push(event)
      for (const listener of listeners) listener([event])
    },
  }
}
