import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventAreas } from '../../src/events/catalogue.ts'
import type { EventCatalogue } from '../../src/events/event.ts'
import { storedEvent, type StreamEntry } from '../../src/events/log/read/stored-event.ts'
import { eventMacs } from '../../src/events/log/integrity/mac.ts'
import { StreamName } from '../../src/events/identifiers.ts'
import { schemaOf, shapeOf, type Shape } from './event-shapes.ts'
import { examplesOf } from './json-examples.ts'

/**
 * Stored entries of every version of every event type, and the shape that the data of each version had. An area has two
 * files: `<area>.jsonl` holds the entries, one a line, as XRANGE returns them; `<area>.shapes.json` holds the shapes by
 * `<type>.v<version>`. Lines and shapes are only ever added: they prove that existing logs stay readable.
 */
const folder = join(import.meta.dirname, '../events/samples')
const samplesFile = (area: string): string => join(folder, `${area}.jsonl`)
const shapesFile = (area: string): string => join(folder, `${area}.shapes.json`)

export const sampleMacs = eventMacs([Buffer.alloc(32, 'samples')])
export const sampleIncarnation = 'samples'

type EventVersion = { area: string; type: string; version: number }
const nameOf = ({ type, version }: Omit<EventVersion, 'area'>): string => `${type}.v${version}`

/** Every version that the catalogue implies. */
export const everyVersion: readonly EventVersion[] = Object.entries<EventCatalogue>(eventAreas).flatMap(
  ([area, catalogue]) =>
    Object.entries(catalogue).flatMap(([type, { version }]) =>
      Array.from({ length: version }, (_, index) => ({ area, type, version: index + 1 })),
    ),
)

const linesOf = (area: string): string[] =>
  existsSync(samplesFile(area)) ? readFileSync(samplesFile(area), 'utf8').trimEnd().split('\n') : []

const entriesOf = (area: string): Map<string, StreamEntry[]> =>
  Map.groupBy(
    linesOf(area).map((line) => JSON.parse(line) as StreamEntry),
    (entry) => nameOf(storedEvent(entry)),
  )

const shapesOf = (area: string): Record<string, Shape> =>
  existsSync(shapesFile(area)) ? (JSON.parse(readFileSync(shapesFile(area), 'utf8')) as Record<string, Shape>) : {}

const areas = new Map(
  Object.keys(eventAreas).map((area) => [area, { entries: entriesOf(area), shapes: shapesOf(area) }] as const),
)

/** Samples and shapes of versions that the catalogue does not have in that area. */
export const orphanSamples = (): string[] =>
  [...areas].flatMap(([area, { entries, shapes }]) =>
    [...entries.keys(), ...Object.keys(shapes)].filter(
      (name) => !everyVersion.some((version) => version.area === area && nameOf(version) === name),
    ),
  )

/** The stored entries of a version; none where no sample was recorded. */
export const samplesOf = (version: EventVersion): StreamEntry[] =>
  areas.get(version.area)?.entries.get(nameOf(version)) ?? []

/** The recorded shape of a version; undefined where none was recorded. */
export const recordedShape = (version: EventVersion): Shape | undefined =>
  areas.get(version.area)?.shapes[nameOf(version)]

/**
 * Records the newest version of every type without a sample or a shape. Returns the recorded versions; changes no
 * existing ones.
 */
export function recordMissing(): string[] {
  const recorded: string[] = []
  for (const [area, catalogue] of Object.entries<EventCatalogue>(eventAreas)) {
    const shapes = shapesOf(area)
    for (const [type, { version, data }] of Object.entries(catalogue)) {
      const name = nameOf({ type, version })
      const schema = schemaOf(type)
      const hasSample = areas.get(area)?.entries.has(name) === true
      if (hasSample && name in shapes) continue
      recorded.push(name)
      shapes[name] ??= shapeOf(schema)
      if (hasSample) continue
      const entries = examplesOf(schema).map((example, index) => entryOf(type, version, data.parse(example), index + 1))
      appendFileSync(samplesFile(area), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    }
    writeFileSync(shapesFile(area), `${JSON.stringify(shapes, null, 2)}\n`)
  }
  return recorded
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
