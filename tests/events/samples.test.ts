import { describe, expect, test } from 'vitest'
import { definitionOf } from '../../src/events/catalogue.ts'
import { readStored, storedEvent } from '../../src/events/log/read/stored-event.ts'
import {
  everyVersion,
  orphans,
  recordedShape,
  sampleIncarnation,
  sampleMacs,
  samplesOf,
  shapeOf,
} from '../support/event-samples.ts'

const howTo =
  'raise its version in the catalogue, add an upcaster to src/events/upcast.ts, and record a sample: npm run samples'

describe.each(everyVersion)('$type version $version, as logs hold it', ({ type, version }) => {
  const samples = samplesOf({ type, version })

  test('has a sample', () => {
    expect(samples.length, 'npm run samples').toBeGreaterThan(0)
  })

  test.each(samples)('can be read: %s', (...entry) => {
    const stored = storedEvent(entry)
    expect(stored).toMatchObject({ type, version })
    const data = readStored(stored).data
    expect(definitionOf(type)?.data.parse(data)).toEqual(data)
    expect(sampleMacs.check({ incarnation: sampleIncarnation, ...stored }, stored.mac)).toBe('genuine')
  })

  if (version === definitionOf(type)?.version)
    test('has the shape that it had when it was recorded', () => {
      expect(shapeOf(type), howTo).toEqual(recordedShape({ type, version }))
    })
})

test('no sample is left of an event type or a version that the catalogue has lost', () => {
  expect(orphans()).toEqual([])
})
