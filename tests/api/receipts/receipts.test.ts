import { hash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildReceipt } from '../../../src/api/receipts/build-receipt.ts'
import { receiptText, type SignedReceipt } from '../../../src/api/receipts/receipt.ts'
import { signReceipt, verifyReceipt } from '../../../src/api/receipts/sign-receipt.ts'
import { canonicalJson } from '../../../src/events/canonical-json.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { answeredByCouncil, deliberation, type Deliberation } from '../../support/deliberation.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { makeSealKey } from '../../support/sealed.ts'

const council = await suiteCouncil()
const key = makeSealKey()
const issued = { council: 'main', issuedAt: '2026-11-26T12:00:00.000Z' }
const eventsOf = async ({ requestId }: Deliberation): Promise<AnyRecordedEvent[]> =>
  (await council.events()).filter(({ stream }) => stream === `chat/${requestId}` || stream === `election/${requestId}`)

let events: AnyRecordedEvent[]
beforeAll(async () => {
  events = await eventsOf(
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: null }),
  )
})

function receiptOf(some: readonly AnyRecordedEvent[] = events) {
  const built = buildReceipt(some, issued)
  if (built.outcome !== 'built') throw new Error(`the receipt is ${built.outcome}`)
  return built.receipt
}
const position = (type: string) => events.find((event) => event.type === type)?.position

describe('a receipt', () => {
  test('lists each call with its cost, and they add up to the cost of the answer', () => {
    const { calls, costMicros } = receiptOf()
    expect(calls.map(({ phase, member, costMicros: cost }) => [phase, member, cost])).toEqual([
      ...['analyst', 'sceptic', 'pragmatist'].map((member) => ['draft', member, 10]),
      ...['analyst', 'sceptic', 'pragmatist'].map((member) => ['vote', member, 5]),
    ])
    expect(costMicros).toBe(45)
    expect(calls[0]).toMatchObject({ model: 'test', promptTokens: 20, completionTokens: 5 })
    expect(calls[0]?.position).toBe(position('ModelCallEnded'))
  })

  test("shows each member's vote, who abstained, the authors and the result", () => {
    expect(receiptOf().vote).toEqual({
      electionId: receiptOf().requestId,
      method: 'ranked_pairs',
      candidates: { A: 'analyst', B: 'sceptic', C: 'pragmatist' },
      ballots: [
        { member: 'analyst', ballot: ['B', 'C'], position: position('BallotCast') },
        {
          member: 'sceptic',
          ballot: ['C', 'A'],
          position: events.findLast(({ type }) => type === 'BallotCast')?.position,
        },
        { member: 'pragmatist', abstained: 'invalid', position: position('BallotRejected') },
      ],
      winner: 'B',
      order: [['B'], ['C'], ['A']],
      position: position('ElectionDecided'),
    })
  })

  test('has the hashes of the exact texts, and says who asked, when, and what became of it', () => {
    expect(receiptOf()).toMatchObject({
      council: 'main',
      asker: 'tester',
      path: 'full',
      outcome: 'completed',
      promptHash: hash('sha256', 'What is the capital of France?'),
      answerHash: hash('sha256', 'Paris.'),
      endedAt: events.find(({ type }) => type === 'AnswerCompleted')?.metadata.occurredAt,
      positions: { first: position('PromptSubmitted'), last: position('AnswerCompleted') },
      issuedAt: issued.issuedAt,
    })
  })

  test('does not exist while the answer runs, or without a prompt', async () => {
    const running = deliberation(council)
    await running.begin()
    await running.call('draft', 'analyst')
    expect(buildReceipt(await eventsOf(running), issued)).toEqual({ outcome: 'unfinished' })
    expect(buildReceipt([], issued)).toEqual({ outcome: 'unknown' })
  })

  test('has no vote if the answer had no election', () => {
    const withoutElection = events.filter(({ stream }) => stream.startsWith('chat/'))
    expect(receiptOf(withoutElection).vote).toBeNull()
  })

  test.each(['ModelCallStarted', 'ModelCallEnded'])('does not exist if a %s is missing from its cost', (type) => {
    const lacking = events.filter((event) => event.position !== position(type))
    expect(buildReceipt(lacking, issued)).toEqual({
      outcome: 'differs',
      why: `the answer states a cost of 45 µ$ at ${position('AnswerCompleted')}, but its calls cost 35 µ$`,
    })
  })
})

describe('the signature of a receipt', () => {
  type Path = (string | number)[]
  const pathsOf = (value: unknown, path: Path = []): Path[] =>
    typeof value === 'object' && value !== null
      ? [path, ...Object.entries(value).flatMap(([name, part]) => pathsOf(part, [...path, name]))]
      : [path]
  /** The value with the part at a path replaced; undefined removes a member. */
  function changedAt(value: unknown, [name, ...rest]: Path, change: (part: unknown) => unknown): unknown {
    if (name === undefined) return change(value)
    const copy = structuredClone(value) as Record<string | number, unknown>
    const part = changedAt(copy[name], rest, change)
    if (part !== undefined) copy[name] = part
    else if (Array.isArray(copy)) copy.splice(Number(name), 1)
    else Reflect.deleteProperty(copy, name)
    return copy
  }
  const signed = (): SignedReceipt => signReceipt(receiptOf(), key)

  test('is genuine under the public key, also after a trip through other JSON', () => {
    expect(verifyReceipt(signed(), key.publicKey)).toEqual({ outcome: 'genuine', signed: signed() })
    const sorted: unknown = JSON.parse(canonicalJson(signed()))
    expect(verifyReceipt(sorted, key.publicKey).outcome).toBe('genuine')
  })

  test('covers every field: one that is removed, replaced or almost the same is found', () => {
    const paths = pathsOf(signed())
    expect(paths.length).toBeGreaterThan(100)
    for (const path of paths)
      for (const change of [
        () => undefined,
        () => null,
        (part: unknown) => (typeof part === 'number' ? part + 1 : typeof part === 'string' ? `${part}0` : [part]),
        (part: unknown) => (typeof part === 'string' ? part.replace(/.$/, (last) => (last === '0' ? '1' : '0')) : 0),
        (part: unknown) =>
          typeof part === 'object' && part !== null && !Array.isArray(part) ? { ...part, more: 'm' } : 'x',
      ]) {
        const changed = changedAt(signed(), path, change)
        if (canonicalJson(changed ?? null) === canonicalJson(signed())) continue
        expect([path, verifyReceipt(changed, key.publicKey).outcome]).not.toEqual([path, 'genuine'])
      }
  })

  test('covers every field, whatever replaces it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(signed())), fc.jsonValue(), (path, value) => {
        const changed = changedAt(signed(), path, () => value)
        fc.pre(canonicalJson(changed) !== canonicalJson(signed()))
        expect(verifyReceipt(changed, key.publicKey).outcome).not.toBe('genuine')
      }),
    )
  })

  test('has only one text: other base64 for the same bytes is found', () => {
    const { receipt, signature } = signed()
    // The last character before the padding has four bits that no byte uses.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const other = alphabet[(alphabet.indexOf(signature.value[85] ?? '') ^ 1) % 64] ?? ''
    const value = `${signature.value.slice(0, 85)}${other}==`
    expect(Buffer.from(value, 'base64')).toEqual(Buffer.from(signature.value, 'base64'))
    expect(verifyReceipt({ receipt, signature: { ...signature, value } }, key.publicKey).outcome).toBe('forged')
  })

  test('is not that of another key, also if it names the right one', () => {
    const other = makeSealKey()
    expect(verifyReceipt(signed(), other.publicKey)).toEqual({
      outcome: 'forged',
      why: `it names the key ${key.keyId}, and the given public key is ${other.keyId}`,
    })
    const borrowed = signReceipt(receiptOf(), { ...other, keyId: key.keyId })
    expect(verifyReceipt(borrowed, key.publicKey)).toMatchObject({
      outcome: 'forged',
      why: expect.stringContaining('changed after it was signed') as string,
    })
  })

  test('is of a text that no seal has', () => {
    expect(receiptText(receiptOf())).toMatch(/^hybrid-ai-council receipt 1\n\{"answerHash":/)
  })

  test('does not excuse a receipt whose calls do not add up', () => {
    const wrong = signReceipt({ ...receiptOf(), costMicros: 44 }, key)
    expect(verifyReceipt(wrong, key.publicKey)).toEqual({
      outcome: 'forged',
      why: 'its calls cost 45 µ$, but it states 44 µ$',
    })
  })
})
