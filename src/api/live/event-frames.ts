import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { printableEvent } from '../../events/event.ts'
import { comparePositions, type Position } from '../../events/identifiers.ts'
import type { EventFilters } from '../../projections/log-selection.ts'

/** The events that a subscription is about. */
export type EventTopic = {
  /** As the client wrote it. */
  text: string
  filters: EventFilters
}

/** More text than this is sent in several frames. */
const maxFrameCharacters = 1_000_000
/** Events that match no filter, after which the client is told how far it is all the same: it goes on from there. */
const maxSilent = 2_000

/** Sends the events that match, each once. */
export type EventFrames = {
  /** How far the client is: it has all that match up to there. */
  reached: () => Position
  /** Tells the client how far it is. */
  mark: () => Promise<void>
  /** Sends those of the next events that match, and resolves when they have left. */
  pass: (events: readonly AnyRecordedEvent[]) => Promise<void>
}

export function eventFrames(
  { text, filters }: EventTopic,
  from: Position,
  send: (frame: Buffer) => Promise<void>,
): EventFrames {
  let reached = from
  let silent = 0

  async function tell(texts: readonly string[]): Promise<void> {
    silent = 0
    const head = `{"type":"change","topic":${JSON.stringify(text)},"position":"${reached}","events":[`
    await send(Buffer.from(`${head}${texts.join(',')}]}`))
  }

  return {
    reached: () => reached,
    mark: () => tell([]),
    async pass(events) {
      let texts: string[] = []
      let characters = 0
      for (const event of events) {
        if (comparePositions(event.position, reached) <= 0) continue
        reached = event.position
        silent++
        if (!isSelected(event, filters)) continue
        const printed = JSON.stringify(printableEvent(event))
        texts.push(printed)
        characters += printed.length
        if (characters < maxFrameCharacters) continue
        await tell(texts)
        texts = []
        characters = 0
      }
      if (texts.length > 0 || silent > maxSilent) await tell(texts)
    },
  }
}

/** Whether an event matches each filter that is given, as `selectEvents` finds it in the index. */
function isSelected(
  { stream, type, metadata }: AnyRecordedEvent,
  { stream: of, types, actor, request }: EventFilters,
): boolean {
  const isOfStream = !of || ('name' in of ? stream === of.name : stream.startsWith(of.prefix))
  return (
    isOfStream &&
    (types?.includes(type) ?? true) &&
    (actor === undefined || metadata.actor === actor) &&
    (request === undefined || metadata.requestId === request)
  )
}
