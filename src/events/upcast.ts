import { eventCatalogue } from './catalogue.ts'

/**
 * Brings the data of a stored event to the newest version of its type. Old events are never rewritten: an upcaster
 * (type → from version → function to the next version) is applied on every read, chained.
 */
type Upcaster = (data: unknown) => unknown
const upcasters: Record<string, Record<number, Upcaster>> = {}

/** What is wrong with a stored event. Each stops its reader. */
export const eventFaults = ['unknown_event_type', 'unknown_event_version', 'malformed_event'] as const
export type EventFault = (typeof eventFaults)[number]

export class UnreadableEvent extends Error {
  readonly code: EventFault
  readonly at: string

  constructor(code: EventFault, at: string, message: string) {
    super(`${message} (event at ${at})`)
    this.name = 'UnreadableEvent'
    this.code = code
    this.at = at
  }
}

/** Data as the newest code knows it. Throws UnreadableEvent for an unknown type, a newer version, or data of another shape. */
export function upcast(type: string, version: number, data: unknown, at: string): unknown {
  const known = eventCatalogue[type]
  if (!known) throw new UnreadableEvent('unknown_event_type', at, `unknown event type ${type}`)
  if (version > known.version) throw new UnreadableEvent('unknown_event_version', at, `${type} has version ${version}, this program knows ${known.version}`)
  let current = data
  for (let from = version; from < known.version; from++) {
    const step = upcasters[type]?.[from]
    if (!step) throw new UnreadableEvent('unknown_event_version', at, `${type} has no upcaster from version ${from}`)
    current = step(current)
  }
  const parsed = known.data.safeParse(current)
  if (!parsed.success) throw new UnreadableEvent('malformed_event', at, `${type} v${version}: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`)
  return parsed.data
}
