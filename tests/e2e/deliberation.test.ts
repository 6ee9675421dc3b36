import { describe, expect, test } from 'vitest'
import type { ServerFrame } from '../../src/api/chat/frames.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests()
const members = ['analyst', 'sceptic', 'pragmatist']

/** All frames of a deliberation whose drafts take a third of a second each, and its request. */
async function deliberated() {
  for (let draft = 1; draft <= members.length; draft++)
    scene.model.nextAnswer({ tokens: Array.from({ length: 30 }, (_, n) => ` ${draft}.${n}`), tokensPerSecond: 100 })
  const client = await scene.connect()
  const requestId = client.ask({ text: 'How should we plan the harbour?', path: 'full' })
  await client.frame('completed')
  return { requestId, frames: client.frames }
}

/** The frames of the members' states, as `member state`. */
const statesOf = (some: readonly ServerFrame[]): string[] =>
  some.flatMap((frame) => (frame.type === 'member' ? [`${frame.member} ${frame.state}`] : []))
/** The text of a member's previews. */
const previewOf = (some: readonly ServerFrame[], member: string): string =>
  some
    .map((frame) =>
      frame.type === 'member' && frame.member === member && frame.state === 'drafting' ? frame.text : '',
    )
    .join('')
const withoutText = (some: readonly ServerFrame[]) =>
  some
    .filter((frame) => frame.type !== 'token' && !(frame.type === 'member' && frame.state === 'drafting'))
    .map((frame) => ({ ...frame, id: '' }))

describe('a deliberation over the WebSocket', () => {
  test('shows its phases, the draft of every member while it is written, the vote and the answer', async () => {
    const { frames } = await deliberated()
    expect(frames.flatMap((frame) => (frame.type === 'phase' ? [`${frame.phase} ${frame.state}`] : []))).toEqual(
      ['draft', 'critique', 'vote', 'synthesize'].flatMap((phase) => [`${phase} started`, `${phase} completed`]),
    )
    const states = statesOf(frames)
    for (const member of members) {
      const drafted = frames.find(
        (frame) => frame.type === 'member' && frame.member === member && frame.state === 'drafted',
      )
      const preview = previewOf(frames, member)
      expect(drafted).toMatchObject({ text: expect.stringContaining(preview) as unknown })
      expect(states.filter((state) => state === `${member} started`)).toHaveLength(1)
      expect(states.filter((state) => state === `${member} drafting`).length).toBeGreaterThan(1)
      expect(states.lastIndexOf(`${member} drafting`)).toBeLessThan(states.indexOf(`${member} drafted`))
    }
    expect(frames.filter(({ type }) => type === 'vote')).toHaveLength(1)
    expect(frames.at(-1)).toMatchObject({ type: 'completed' })
  })

  test('continues after each of its frames', async () => {
    const { requestId, frames } = await deliberated()
    for (const [index, frame] of frames.slice(0, -1).entries()) {
      if (!('id' in frame)) throw new Error('a frame without a resume point')
      const client = await scene.connect()
      client.send({ type: 'resume', requestId, lastEventId: frame.id })
      await client.frame('completed')
      const later = frames.slice(index + 1)
      expect(withoutText(client.frames)).toEqual(withoutText(later))
      expect(client.text()).toBe(later.map((one) => (one.type === 'token' ? one.text : '')).join(''))
      // The last piece of a draft may have come too late for the first client.
      for (const member of members) expect(previewOf(client.frames, member)).toContain(previewOf(later, member))
      client.close()
    }
  })
})
