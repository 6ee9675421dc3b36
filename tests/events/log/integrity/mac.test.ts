import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { StreamName } from '../../../../src/events/identifiers.ts'
import { hmacSha256 } from '../../../../src/events/log/integrity/hmac.ts'
import { eventMacs, type MacInput } from '../../../../src/events/log/integrity/mac.ts'

const secret = (fill: string) => Buffer.alloc(32, fill)
const event: MacInput = {
  incarnation: 'log-1',
  stream: 'account/reserve' as StreamName,
  revision: 7,
  type: 'AccountDebited',
  version: 1,
  data: '{"amountMicros":5}',
  metadata: '{"actor":"ada"}',
}

describe('the MAC of an event', () => {
  const macs = eventMacs([secret('a')])

  test('is genuine for its event', () => {
    expect(macs.check(event, macs.make(event))).toBe('genuine')
  })

  test.each([
    ['incarnation', 'log-2'],
    ['stream', 'account/spend'],
    ['revision', 8],
    ['revision', 'any'],
    ['type', 'AccountCredited'],
    ['version', 2],
    ['data', '{"amountMicros":6}'],
    ['metadata', '{"actor":"eve"}'],
  ])('is forged for another %s', (field, value) => {
    expect(macs.check({ ...event, [field]: value }, macs.make(event))).toBe('forged')
  })

  test('does not confuse the end of one field with the beginning of the next', () => {
    expect(macs.make({ ...event, data: 'ab', metadata: 'c' })).not.toBe(
      macs.make({ ...event, data: 'a', metadata: 'bc' }),
    )
  })

  test.each([
    '',
    'x',
    macs.keyId,
    `${macs.keyId}.`,
    `${macs.keyId}.AAAAAAAAAAAAAAAAAAAAAA`,
    macs.make(event).slice(0, -1),
    `${macs.make(event)}AA`,
  ])('is never %j', (mac) => {
    expect(macs.check(event, mac)).not.toBe('genuine')
  })
})

describe('keys of MACs', () => {
  test('can be rotated: the newest key signs, older keys still verify', () => {
    const before = eventMacs([secret('a')])
    const after = eventMacs([secret('a'), secret('b')])
    expect(after.check(event, before.make(event))).toBe('genuine')
    expect(after.keyId).not.toBe(before.keyId)
    expect(before.check(event, after.make(event))).toBe('key_unknown')
    expect([after.knows(before.keyId), before.knows(after.keyId)]).toEqual([true, false])
  })

  test('make different MACs', () => {
    expect(
      eventMacs([secret('a')])
        .make(event)
        .slice(7),
    ).not.toBe(
      eventMacs([secret('b')])
        .make(event)
        .slice(7),
    )
  })

  test('are required', () => {
    expect(() => eventMacs([])).toThrow('a MAC needs a key')
  })
})

test.each(['', 'a', 'ü€😀', 'x'.repeat(10_000), '€'.repeat(5_000)])(
  'the MAC of a text is the one that the library makes',
  (text) => {
    for (const length of [0, 32, 64]) {
      const key = Buffer.alloc(length, 'k')
      expect(hmacSha256(key)(text)).toEqual(createHmac('sha256', key).update(text).digest())
    }
  },
)
