import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { socketWriter } from '../../../src/api/chat/socket-writer.ts'
import { socketStandIn } from '../../support/socket-stand-in.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('writes a frame only after the frame before it has left', async () => {
  const { socket, sent, flush } = socketStandIn()
  const { send, pong } = socketWriter(socket, () => undefined)
  const first = send({ type: 'restart' })
  const second = pong(Buffer.from('ping'))
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual(['{"type":"restart"}'])
  flush()
  await first
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual(['{"type":"restart"}', 'ping'])
  flush()
  await second
})

test('disconnects a reader that takes nothing for ten seconds', async () => {
  const { socket, calls } = socketStandIn()
  const onSlow = vi.fn()
  const sending = socketWriter(socket, onSlow).send({ type: 'pong' })
  await vi.advanceTimersByTimeAsync(9_999)
  expect(onSlow).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  await sending
  expect(onSlow).toHaveBeenCalledOnce()
  expect(calls).toEqual(['terminate'])
})

test('drops frames for a socket that is closed', async () => {
  const { socket, state, sent } = socketStandIn()
  state.readyState = WebSocket.CLOSED
  await socketWriter(socket, () => undefined).send({ type: 'pong' })
  expect(sent).toEqual([])
})

test.each([
  ['cuts the connection of a client that does not answer the close frame', false, ['close 1012', 'terminate']],
  ['leaves a client that answers the close frame alone', true, ['close 1012']],
])('%s', async (_, answers, calls) => {
  const standIn = socketStandIn()
  socketWriter(standIn.socket, () => undefined).close(1012, 'service restart')
  if (answers) standIn.socket.emit('close')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(standIn.calls).toEqual(calls)
})
