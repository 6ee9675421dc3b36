import { describe, expect, test } from 'vitest'
import { parseServerFrame } from '../../../src/cli/chat/received-frames.ts'
import { newId } from '../../support/council.ts'

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
