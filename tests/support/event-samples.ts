import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { definitionOf, eventCatalogue } from '../../src/events/catalogue.ts'
import type { StreamEntry } from '../../src/events/log/read/stored-event.ts'
import { eventMacs } from '../../src/events/log/integrity/mac.ts'
import { StreamName } from '../../src/events/identifiers.ts'
import { examplesOf, type JsonSchema } from './json-examples.ts'

/**
 * Entries of the log as they were stored, of every version of every event type (`<type>.v<version>.jsonl`, an entry a line, as
 * XRANGE returns it), and the shape that data of that version had (`<type>.v<version>.json`). Files of a version that was once
 * written to a log are never changed: they stand for the logs out there.
 */
const folder = join(import.meta.dirname, '../events/samples')

/** What vouches for the samples. */
export const sampleMacs = eventMacs([Buffer.alloc(32, 'samples')])
export const sampleIncarnation = 'samples'

export type EventVersion = { type: string; version: number }
const nameOf = ({ type, version }: EventVersion): string => `${type}.v${version}`

/** Every version that the catalogue says there was. */
export const everyVersion: readonly EventVersion[] = Object.entries(eventCatalogue).flatMap(([type, { version }]) =>
  Array.from({ length: version }, (_, index) => ({ type, version: index + 1 })),
)

/** Samples and shapes of versions that the catalogue does not know. */
export const orphans = (): string[] =>
  readdirSync(folder).filter(
    (file) => !everyVersion.some((version) => file.replace(/\.jsonl?$/, '') === nameOf(version)),
  )

/** The stored entries of a version; none where there is no sample yet. */
export function samplesOf(version: EventVersion): StreamEntry[] {
  const file = join(folder, `${nameOf(version)}.jsonl`)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamEntry)
}

/** The shape of a version as it was recorded; null where it was not. */
export function recordedShape(version: EventVersion): unknown {
  const file = join(folder, `${nameOf(version)}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

/** The shape of the newest version of a type. Rules that JSON Schema cannot say are told by their message. */
export function shapeOf(type: string): JsonSchema {
  const data = definitionOf(type)?.data
  if (!data) throw new Error(`event type ${type} is not in the catalogue`)
  const shape: unknown = z.toJSONSchema(data, {
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === 'custom')
        jsonSchema.description = z.safeParse(zodSchema, undefined).error?.issues[0]?.message ?? ''
    },
  })
  return shape as JsonSchema
}

/** Records the newest version of every type that has no sample or no shape yet; returns what was written. Changes no file that is there. */
export function recordMissing(): string[] {
  mkdirSync(folder, { recursive: true })
  const written: string[] = []
  const write = (name: string, lines: unknown[], indent?: number): void => {
    const file = join(folder, name)
    if (existsSync(file)) return
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line, null, indent)}\n`).join(''))
    written.push(name)
  }
  for (const [type, { version, data }] of Object.entries(eventCatalogue)) {
    const shape = shapeOf(type)
    const entries = examplesOf(shape).map((example, index) => entryOf(type, version, data.parse(example), index + 1))
    write(`${nameOf({ type, version })}.json`, [shape], 2)
    write(`${nameOf({ type, version })}.jsonl`, entries)
  }
  return written
}

/** An entry as append.lua writes it. */
function entryOf(type: string, version: number, data: unknown, sequence: number): StreamEntry {
  const stream = StreamName.parse('sample/0192f0c1-7a00-7000-8000-000000000001')
  const metadata = JSON.stringify({
    eventId: '0192f0c1-7a00-7000-8000-000000000002',
    commandId: '0192f0c1-7a00-7000-8000-000000000003',
    correlationId: '0192f0c1-7a00-7000-8000-000000000001',
    causationId: '0192f0c1-7a00-7000-8000-000000000003',
    actor: 'tester',
    contentHash: 'sample',
    occurredAt: '2026-11-23T12:00:00.000Z',
  })
  const event = { stream, type, version, data: JSON.stringify(data), metadata }
  const mac = sampleMacs.make({ incarnation: sampleIncarnation, revision: sequence, ...event })
  const fields = { sequence, stream, revision: sequence, type, version, data: event.data, metadata, mac }
  return [`1795435200000-${sequence}`, Object.entries(fields).flatMap(([name, value]) => [name, String(value)])]
}
