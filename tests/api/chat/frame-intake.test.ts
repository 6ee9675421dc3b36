import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { takeFrames } from '../../../src/api/chat/frame-intake.ts'
import { socketStandIn } from '../../support/socket-stand-in.ts'

/** An intake whose frames wait until the test finishes them. */
function openIntake({ delayMs = (): number => 0 } = {}) {
  const { socket, events } = socketStandIn()
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
    events,
    handled,
    onFlood,
    onPaced,
    receive: (text: string) => events.emit('message', Buffer.from(text), false),
    async finish(count = 1) {
      for (let done = 0; done < count; done++) {
        await setImmediate()
        unfinished.shift()?.()
      }
      await setImmediate()
    },
  }
}

test('handles messages and pings one at a time, in order', async () => {
  const { events, handled, receive, finish } = openIntake()
  receive('one')
  events.emit('ping', Buffer.from('two'))
  events.emit('message', Buffer.from('three'), true)
  await setImmediate()
  expect(handled).toEqual(['text one'])
  await finish(2)
  expect(handled).toEqual(['text one', 'ping two', 'binary three'])
})

test('stops reading a socket with eight waiting frames, and resumes below four', async () => {
  const { events, receive, finish } = openIntake()
  for (let sent = 0; sent < 9; sent++) receive(String(sent))
  expect(events.isPaused).toBe(true)
  await finish(5)
  expect(events.isPaused).toBe(true)
  await finish()
  expect(events.isPaused).toBe(false)
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
  const { events, handled, receive, finish } = openIntake()
  receive('one')
  receive('two')
  events.readyState = WebSocket.CLOSED
  await finish()
  receive('three')
  expect(handled).toEqual(['text one'])
})
