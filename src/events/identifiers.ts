import { z } from 'zod'

/** The id of a log entry, `<ms>-<seq>`: the place of an event in the total order of the log. */
export type Position = string & { readonly __brand: 'Position' }

/**
 * `<category>/<id>`, for example `chat/0199…` or `budget/council/2026-11-23`. The category is the kind of aggregate;
 * `StreamName` alone is a stream of any category.
 */
export type StreamName<Category extends string = string> = string & {
  readonly __brand: 'StreamName'
  readonly __category: Category
}

/** A UUIDv7 (RFC 9562): the id of a command, a request or any other stream that finishes. Its first 48 bits are milliseconds. */
export type Uuid7 = string & { readonly __brand: 'Uuid7' }

const positionPattern = /^\d{1,15}-\d{1,20}$/
const streamPattern = /^[a-z]+(\/[A-Za-z0-9:_.-]{1,128}){1,3}$/
const uuidCharacters = 36
const uuid7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Text that matches a pattern. The metadata describe it to readers of the API, who get JSON Schema. */
function textSchema<Text extends string>(pattern: RegExp, message: string) {
  const isMatch = (value: unknown): boolean => typeof value === 'string' && pattern.test(value)
  return z.custom<Text>(isMatch, message).meta({ type: 'string', pattern: pattern.source })
}

export const Position = textSchema<Position>(positionPattern, 'must be a position, <ms>-<seq>').meta({
  id: 'Position',
  description: 'The place of an event in the log: `<ms>-<seq>`.',
})
export const StreamName = textSchema<StreamName>(streamPattern, 'must be a stream name, <aggregate>/<id>').meta({
  id: 'StreamName',
  description: 'The stream of one aggregate: `<aggregate>/<id>`.',
})

/** The names of one category's streams. */
export const streamNameIn = <const Category extends string>(category: Category) =>
  z.custom<StreamName<Category>>(
    (value) => StreamName.safeParse(value).success && String(value).startsWith(`${category}/`),
    'must be a stream name, <aggregate>/<id>',
  )

export const Uuid7 = textSchema<Uuid7>(uuid7Pattern, 'must be a lower-case UUIDv7').meta({
  id: 'Uuid7',
  description: 'A UUID of version 7 (RFC 9562), in lower case.',
})

/**
 * The owner of a balance: `reserve` (the central reserve), `agent:<id>`, `bounty:<id>` (escrow), `spend` (the cost of models and
 * tools), `external` (the source of funding), `overrun` (incurred cost that no other account could cover).
 */
export type AccountId = string & { readonly __brand: 'AccountId' }
const accountPattern = /^(reserve|spend|external|overrun|(agent|bounty):[A-Za-z0-9_.-]{1,64})$/
export const AccountId = textSchema<AccountId>(
  accountPattern,
  'must be reserve, spend, external, overrun, agent:<id> or bounty:<id>',
).meta({ id: 'AccountId', description: 'The owner of a balance.' })

/** The subject that issues a command: a person or a part of the council. Command ids and callers' keys are unique per principal. */
export const Principal = z.string().max(128).brand<'Principal'>()
export type Principal = z.infer<typeof Principal>

/** Whether a subject is an agent. What an agent does is governed by the mode; what a person does is that person's own decision. */
export const isAgent = (subject: string): boolean => subject.startsWith('agent:')

/**
 * The client's own name of a conversation. NUL characters and lone surrogates are rejected: Postgres cannot store them, and two
 * conversations must never look alike there.
 */
export const ConversationId = z
  .string()
  .min(1)
  .max(128)
  .refine((id) => !id.includes('\0') && id.isWellFormed(), 'must have no NUL character and no half of a surrogate pair')

/** The position before the first event. */
export const beginning = '0-0' as Position

/** Negative when `left` comes before `right`. Positions compare as two numbers. */
export function comparePositions(left: Position, right: Position): number {
  // Fast path: positions of equal length compare as text.
  if (left.length === right.length && left.indexOf('-') === right.indexOf('-'))
    return left === right ? 0 : left < right ? -1 : 1
  const [leftMs, leftSeq] = positionParts(left)
  const [rightMs, rightSeq] = positionParts(right)
  return leftMs - rightMs || leftSeq - rightSeq
}

/** The greatest position below this one; a read after it starts with the event at `position`. */
export function justBefore(position: Position): Position {
  const [ms, seq] = positionParts(position)
  return (seq > 0 ? `${ms}-${seq - 1}` : `${ms - 1}-18446744073709551615`) as Position
}

/** The time of the append, in milliseconds of Redis' clock. */
export const positionTimeMs = (position: Position): number => positionParts(position)[0]

/** The creation time of a UUIDv7 in milliseconds, by its creator's clock. */
export const uuid7TimeMs = (id: Uuid7): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

/** The time in a stream name that ends in a UUIDv7; undefined for other streams, which never finish. */
export function streamTimeMs(stream: StreamName): number | undefined {
  const id = stream.slice(stream.lastIndexOf('/') + 1)
  return id.length === uuidCharacters && uuid7Pattern.test(id) ? uuid7TimeMs(id as Uuid7) : undefined
}

/** The part before the first slash. */
export const streamCategory = <Category extends string>(stream: StreamName<Category>): Category =>
  stream.slice(0, stream.indexOf('/')) as Category

function positionParts(position: Position): [number, number] {
  const dash = position.indexOf('-')
  return [Number(position.slice(0, dash)), Number(position.slice(dash + 1))]
}

/** How long a command id is remembered; an older one is refused and never runs again. */
export const commandWindowMs = 24 * 3_600_000
