import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { takeFrames } from '../../../src/api/chat/frame-intake.ts'
import { socketStandIn } from '../../support/socket-stand-in.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** An intake whose frames wait until the test finishes them. */
function openIntake({ delayMs = (): number => 0 } = {}) {
  const { socket, state } = socketStandIn()
  const handled: string[] = []
  const unfinished: (() => void)[] = []
  const onFlood = vi.fn()
  const onPaced = vi.fn()
  takeFrames(socket, {
    handle({ kind, data }) {
      handled.push(`${kind} ${String(data)}`)
      return new Promise((resolve) => unfinished.push(resolve))
    },
    delayMs,
    onFlood,
    onPaced,
  })
  return {
    socket,
    state,
    handled,
    onFlood,
    onPaced,
    receive: (text: string) => socket.emit('message', Buffer.from(text), false),
    finish: async (count = 1) => {
      for (let done = 0; done < count; done++) {
        await turn()
        unfinished.shift()?.()
      }
      await turn()
    },
  }
}

test('handles messages and pings one at a time, in order', async () => {
  const { socket, handled, receive, finish } = openIntake()
  receive('one')
  socket.emit('ping', Buffer.from('two'))
  socket.emit('message', Buffer.from('three'), true)
  await turn()
  expect(handled).toEqual(['text one'])
  await finish(2)
  expect(handled).toEqual(['text one', 'ping two', 'binary three'])
})

test('stops reading a socket with eight waiting frames, and resumes below four', async () => {
  const { state, receive, finish } = openIntake()
  for (let sent = 0; sent < 9; sent++) receive(String(sent))
  expect(state.isPaused).toBe(true)
  await finish(5)
  expect(state.isPaused).toBe(true)
  await finish()
  expect(state.isPaused).toBe(false)
})

test('reports a flood once and handles nothing after it', async () => {
  const { handled, onFlood, receive, finish } = openIntake()
  for (let sent = 0; sent < 1_100; sent++) receive(String(sent))
  await finish(3)
  expect(onFlood).toHaveBeenCalledOnce()
  expect(handled).toEqual(['text 0'])
})

test('reports a client that sends faster than its rate once', async () => {
  const { handled, onPaced, receive, finish } = openIntake({ delayMs: () => 1 })
  for (let sent = 0; sent < 7; sent++) receive(String(sent))
  await vi.waitFor(() => expect(handled).toHaveLength(1))
  await finish()
  await vi.waitFor(() => expect(handled).toHaveLength(2))
  expect(onPaced).toHaveBeenCalledOnce()
})

test('drops the frames of a socket that has closed', async () => {
  const { state, handled, receive, finish } = openIntake()
  receive('one')
  receive('two')
  state.readyState = WebSocket.CLOSED
  await finish()
  receive('three')
  expect(handled).toEqual(['text one'])
})
