import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ServerFrame } from '../../src/api/chat/frames.ts'
import { parseServerFrame } from '../../src/client/server-frame.ts'
import { newId } from '../support/council.ts'

const requestId = newId()
const id = '1795448595415-3~0~1795448595415-7'
const member = { type: 'member', requestId, id, member: 'analyst' }

describe('a received frame', () => {
  test('has its resume point, and keeps fields of a newer server in its raw form', () => {
    const sent = { ...member, state: 'drafting', text: 'The cap', mood: 'hopeful' }
    const received = parseServerFrame(JSON.stringify(sent))
    expect(received).toMatchObject({ raw: sent, id, frame: { type: 'member', state: 'drafting', text: 'The cap' } })
    expect(received.frame).not.toHaveProperty('mood')
  })

  test('of a newer type has a resume point too', () => {
    const sent = { type: 'a_frame_of_a_newer_server', requestId, id }
    expect(parseServerFrame(JSON.stringify(sent))).toEqual({ raw: sent, id, frame: undefined })
  })

  test.each([
    ['no id', { type: 'pong' }],
    ['an id of another kind', { type: 'a_frame_of_a_newer_server', id: 7 }],
  ])('with %s is no resume point', (_, sent) => {
    expect(parseServerFrame(JSON.stringify(sent)).id).toBeUndefined()
  })

  test.each([
    ['a draft without its text', { ...member, state: 'drafted' }],
    ['a vote without a winner', { type: 'vote', requestId, id, result: 'decided', method: 'borda' }],
    ['a member without an answer', { type: 'member', member: 'analyst', state: 'started' }],
  ])('is rejected if it is %s', (_, sent) => {
    expect(() => parseServerFrame(JSON.stringify(sent))).toThrow(/cannot be understood: (member|vote)/)
  })
})

describe('the shapes of the client and the schema of the server', () => {
  const text = fc.string({ maxLength: 5 })
  const position = fc.constantFrom('1-0', '1795448595415-3')
  const figure = fc.double({ noNaN: true, noDefaultInfinity: true })
  const count = fc.maxSafeInteger()
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  /** Fields of all frames, by name: every frame is a selection of them. */
  const fields = {
    requestId: fc.constant(requestId),
    id: text,
    approvalId: fc.constant(requestId),
    path: fc.constantFrom('fast', 'full', 'action'),
    ...{ intent: text, by: text, phase: text, method: text, winner: text, why: text, code: text, message: text, text },
    confidence: figure,
    seating: optional(text),
    scope: optional(text),
    topic: optional(text),
    position,
    value: optional(fc.dictionary(text, fc.jsonValue({ maxDepth: 1 }), { noNullPrototype: true })),
    events: optional(
      fc.array(fc.dictionary(text, fc.jsonValue({ maxDepth: 1 }), { noNullPrototype: true }), { maxLength: 3 }),
    ),
    throttledBy: optional(fc.array(text)),
    held: fc.constantFrom(undefined, true),
    conversation: optional(
      fc.record({ turns: count, omitted: fc.option(count), reason: text }, { requiredKeys: ['turns', 'omitted'] }),
    ),
    member: text,
    state: fc.constantFrom(
      ...['started', 'completed', 'reviewed', 'voted', 'drafting', 'drafted', 'failed', 'abstained'],
      ...['waiting', 'granted', 'denied', 'expired'],
    ),
    result: fc.constantFrom('decided', 'failed'),
    action: fc.constantFrom('ReleaseAnswer', 'ExceedBudget'),
    decision: fc.constantFrom('granted', 'denied'),
    order: fc.array(fc.array(text)),
    tally: fc.dictionary(text, figure, { noNullPrototype: true }),
    ...{ winners: fc.array(text), trace: fc.array(text), reasons: optional(fc.array(text)) },
    tieBreak: optional(fc.record({ among: fc.array(text), by: text })),
    candidates: fc.dictionary(text, text, { noNullPrototype: true }),
    dissent: fc.dictionary(text, fc.array(text), { noNullPrototype: true }),
    finishReason: fc.constantFrom('stop', 'length'),
    costMicros: count,
    usage: fc.record({ promptTokens: count, completionTokens: count }),
    timings: fc.record({ queuedMs: figure, firstTokenMs: fc.option(figure), totalMs: figure }),
    degraded: fc.boolean(),
    positions: fc.record({ first: position, last: position }),
  }
  const types = ServerFrame.options.flatMap((option) =>
    'options' in option ? option.options.map((one) => one.shape.type.value) : [option.shape.type.value],
  )
  const wellFormed = fc.record({ type: fc.constantFrom(...types), ...fields })
  const damage = fc.record({ field: fc.constantFrom(...Object.keys(fields)), value: fc.jsonValue({ maxDepth: 2 }) })

  const verdict = (sent: string) => {
    const parsed = ServerFrame.safeParse(JSON.parse(sent))
    return parsed.success ? parsed.data : null
  }
  const clientVerdict = (sent: string) => {
    try {
      return parseServerFrame(sent).frame
    } catch {
      return null
    }
  }

  test('agree on every frame, well-formed or with a damaged field', () => {
    const taken = new Set<string>()
    fc.assert(
      fc.property(wellFormed, fc.option(damage), (frame, damaged) => {
        const sent = JSON.stringify(damaged ? { ...frame, [damaged.field]: damaged.value } : frame)
        const expected = verdict(sent)
        expect(clientVerdict(sent)).toEqual(expected)
        if (expected) taken.add(expected.type)
      }),
      { numRuns: 3_000 },
    )
    expect(taken).toEqual(new Set(types))
  })
})
