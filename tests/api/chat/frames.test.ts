import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseClientFrame, parseResumePoint, printResumePoint, ServerFrame } from '../../../src/api/chat/frames.ts'
import type { Position } from '../../../src/events/identifiers.ts'
import { newId } from '../../support/council.ts'

const id = '1795448595415-0~0'
const requestId = newId()

describe('a resume point', () => {
  const position = fc
    .tuple(fc.nat({ max: 999_999_999_999_999 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    .map(([ms, sequence]) => `${ms}-${sequence}` as Position)

  test('is read as it was printed, and a client can send it back', () => {
    fc.assert(
      fc.property(
        fc.record({
          position,
          frames: fc.option(fc.nat({ max: 99 })),
          offset: fc.nat({ max: 999_999_999 }),
          preview: fc.option(position),
        }),
        (point) => {
          const printed = printResumePoint(point)
          expect(parseResumePoint(printed)).toEqual(point)
          expect(parseClientFrame(JSON.stringify({ type: 'resume', requestId, lastEventId: printed })).ok).toBe(true)
        },
      ),
    )
  })

  test('of an older server, with a position and an offset only, is still read', () => {
    expect(parseResumePoint('1795448595415-3~17')).toEqual({
      position: '1795448595415-3',
      frames: null,
      offset: 17,
      preview: null,
    })
  })

  test.each([
    '',
    '1-1',
    '1-1~',
    '~1',
    '1-1~x',
    '1-1.~1',
    '1-1.2.3~1',
    '1-1~1~',
    '1-1~1~2',
    '1-1~1~2-3~4',
    '1-1~1~2-3 ',
  ])('is not %j', (text) => {
    expect(parseResumePoint(text)).toBeNull()
  })
})

describe('a frame of a deliberation', () => {
  const member = { type: 'member', requestId, id, member: 'analyst' }
  const vote = { type: 'vote', requestId, id }

  test.each([
    ['started', {}],
    ['drafting', { text: 'The cap' }],
    ['drafted', { text: 'The capital is Paris.' }],
    ['failed', { why: 'late' }],
    ['reviewed', {}],
    ['voted', {}],
    ['abstained', { why: 'invalid' }],
  ])('says that a member has %s', (state, more) => {
    const frame = { ...member, state, ...more }
    expect(ServerFrame.parse(frame)).toEqual(frame)
  })

  test.each([
    ['a draft without its text', { ...member, state: 'drafted' }],
    ['a failure without its reason', { ...member, state: 'failed' }],
    ['a vote without a winner', { ...vote, result: 'decided', method: 'borda', order: [['A']] }],
    ['a failed vote without its reason', { ...vote, result: 'failed' }],
  ])('is not %s', (_, frame) => {
    expect(ServerFrame.safeParse(frame).success).toBe(false)
  })
})
