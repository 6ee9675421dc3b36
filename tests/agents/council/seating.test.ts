import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseSeating } from '../../../src/agents/council/seating.ts'

const file = JSON.parse(readFileSync('config/council.json', 'utf8')) as { members: object[]; chair: object }
const [analyst, sceptic, pragmatist] = file.members

describe('config/council.json', () => {
  test('seats three members, a chair, ranked pairs, and a quorum of two', () => {
    const seating = parseSeating(file)
    expect(seating.members.map(({ id, weight }) => [id, weight])).toEqual([
      ['analyst', 1],
      ['sceptic', 1],
      ['pragmatist', 1],
    ])
    expect(seating).toMatchObject({ method: 'ranked_pairs', quorum: 2, ownDraftAllowed: false, critique: true })
    expect(seating.hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('has the same hash for the same rules, and another one for any change', () => {
    expect(parseSeating(structuredClone(file)).hash).toBe(parseSeating(file).hash)
    expect(parseSeating({ ...file, quorum: 3 }).hash).not.toBe(parseSeating(file).hash)
    expect(parseSeating({ ...file, members: [sceptic, analyst, pragmatist] }).hash).not.toBe(parseSeating(file).hash)
  })

  test.each([
    ['two members of one id', { members: [analyst, analyst] }, 'two members have the id analyst'],
    ['no chair', { chair: undefined }, 'chair'],
    [
      'a chair with the id of a member',
      { chair: { ...file.chair, id: 'analyst' } },
      'the chair has the id of the member',
    ],
    ['no members', { members: [] }, 'members'],
    ['ten members', { members: file.members.concat(file.members, file.members, file.members) }, 'members'],
    ['a quorum that cannot be met', { quorum: 4 }, 'the quorum is 4, but there are 3 members'],
    ['an unknown method', { method: 'dice' }, 'method'],
    ['a method that needs complete ballots', { method: 'borda' }, 'Set ownDraftAllowed to true'],
    ['a dictator', { method: 'informed_dictator' }, 'informed_dictator'],
    ['a field that does not exist', { moderator: {} }, 'moderator'],
    ['a member with an empty persona', { members: [{ ...analyst, persona: '' }, sceptic] }, 'persona'],
    ['a weight of zero', { members: [{ ...analyst, weight: 0 }, sceptic] }, 'weight'],
  ])('is refused with %s', (_, changes, reason) => {
    expect(() => parseSeating({ ...file, ...changes })).toThrow(reason)
  })

  test('accepts a method that needs complete ballots where members may vote for their own drafts', () => {
    expect(parseSeating({ ...file, method: 'borda', ownDraftAllowed: true }).method).toBe('borda')
  })
})
