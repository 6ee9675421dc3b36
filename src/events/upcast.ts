import { CodedError } from '../platform/coded-error.ts'
import { eventCatalogue } from './catalogue.ts'
import type { EventCatalogue } from './event.ts'

/** Turns the data of one version into the next. Pure, and total over all data that was ever written in its version. */
type Upcaster = (data: unknown) => unknown

/** Type → version of the input → upcaster. */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, Upcaster>>>>

/** For a newer version that only allows more values in a field, or adds an optional field. */
const unchanged: Upcaster = (data) => data

const upcasters: Upcasters = {
  PromptSubmitted: { 1: unchanged },
  ContextSensed: { 1: unchanged },
  AccountCredited: { 1: unchanged },
  ModelCallEnded: { 1: unchanged },
  BudgetDebited: { 1: unchanged, 2: unchanged },
  AnswerFailed: { 1: unchanged, 2: unchanged, 3: unchanged },
  AnswerCompleted: { 1: unchanged, 2: unchanged },
  RequestRouted: { 1: unchanged, 2: unchanged, 3: unchanged },
  DraftFailed: { 1: unchanged },
}

/** Why a stored event cannot be read. Each stops its reader. */
export const eventFaultCodes = ['unknown_event_type', 'unknown_event_version', 'malformed_event'] as const
export type EventFaultCode = (typeof eventFaultCodes)[number]

export class UnreadableEvent extends CodedError<EventFaultCode> {
  readonly at: string

  constructor(code: EventFaultCode, at: string, message: string) {
    super(code, `${message} (event at ${at})`)
    this.at = at
  }
}

/** Upcasts stored data to the newest version of its type; `at` names the event in errors. Throws UnreadableEvent. */
export type Upcast = (type: string, version: number, data: unknown, at: string) => unknown

/**
 * Stored events are never rewritten. Every read applies the upcasters, one version after another, and checks the result against the
 * newest shape. An unknown type, a version newer than the catalogue, a missing or failing upcaster, and data of another shape stop the
 * reader.
 */
export function upcasterOver(catalogue: EventCatalogue, steps: Upcasters): Upcast {
  return (type, version, data, at) => {
    const known = own(catalogue, type)
    if (!known) throw new UnreadableEvent('unknown_event_type', at, `unknown event type ${type}`)
    if (version > known.version)
      throw new UnreadableEvent(
        'unknown_event_version',
        at,
        `${type} has version ${version}, this program knows ${known.version}`,
      )
    let current = data
    for (let from = version; from < known.version; from++) {
      const step = own(steps, type)?.[from]
      if (!step) throw new UnreadableEvent('unknown_event_version', at, `${type} has no upcaster from version ${from}`)
      try {
        current = step(current)
      } catch (error) {
        throw new UnreadableEvent(
          'malformed_event',
          at,
          `${type} v${version}: its upcaster from version ${from} failed: ${String(error)}`,
        )
      }
    }
    const parsed = known.data.safeParse(current)
    if (!parsed.success)
      throw new UnreadableEvent(
        'malformed_event',
        at,
        `${type} v${version}: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
      )
    return parsed.data
  }
}

/** Upcasts with this program's catalogue and upcasters. */
export const upcast: Upcast = upcasterOver(eventCatalogue, upcasters)

/** Own properties only: a type is text from the log and may read `constructor`. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined
