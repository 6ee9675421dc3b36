import { describe, expect, test } from 'vitest'
import { definitionOf } from '../../src/events/catalogue.ts'
import { readStored, storedEvent } from '../../src/events/log/read/stored-event.ts'
import {
  everyVersion,
  orphanSamples,
  recordedShape,
  sampleIncarnation,
  sampleMacs,
  samplesOf,
} from '../support/event-samples.ts'
import { schemaOf, shapeOf } from '../support/event-shapes.ts'

const howTo =
  'raise its version in the catalogue, add an upcaster to src/events/upcast.ts, and record a sample: npm run samples'

describe.each(everyVersion)('$type version $version, as stored in logs', ({ area, type, version }) => {
  const samples = samplesOf({ area, type, version })

  test('has a sample', () => {
    expect(samples.length, 'npm run samples').toBeGreaterThan(0)
  })

  test.each(samples)('is readable: %s', (...entry) => {
    const stored = storedEvent(entry)
    expect(stored).toMatchObject({ type, version })
    const data = readStored(stored).data
    expect(definitionOf(type)?.data.parse(data)).toEqual(data)
    expect(sampleMacs.check({ incarnation: sampleIncarnation, ...stored }, stored.mac)).toBe('genuine')
  })

  if (version === definitionOf(type)?.version)
    test('still has its recorded shape', () => {
      expect(shapeOf(schemaOf(type)), howTo).toEqual(recordedShape({ area, type, version }))
    })
})

test('every sample and shape belongs to an event type and version of its area', () => {
  expect(orphanSamples()).toEqual([])
})
