import { expect, test } from 'vitest'
import { createSlots } from '../../../src/agents/models/slots.ts'

const never = new AbortController().signal

test('slots are assigned first come, first served', async () => {
  const slots = createSlots(1, 2)
  const order: string[] = []
  const first = await slots.take(never)
  const second = slots.take(never).then((slot) => {
    order.push('second')
    slot.release()
  })
  const third = slots.take(never).then(() => order.push('third'))
  first.release()
  await Promise.all([second, third])
  expect(order).toEqual(['second', 'third'])
})

test('a full queue rejects a call at once', async () => {
  const slots = createSlots(1, 1)
  await slots.take(never)
  void slots.take(never)
  await expect(slots.take(never)).rejects.toMatchObject({ code: 'model_overloaded' })
})

test('a call that is cancelled while it waits leaves the queue at once', async () => {
  const slots = createSlots(1, 1)
  const held = await slots.take(never)
  const stop = new AbortController()
  const gaveUp = slots.take(stop.signal)
  stop.abort()
  await expect(gaveUp).rejects.toMatchObject({ code: 'model_cancelled', neverSent: true })
  const next = slots.take(never)
  held.release()
  await expect(next).resolves.toBeDefined()
})

test('a slot released twice is one slot', async () => {
  const slots = createSlots(1, 0)
  const held = await slots.take(never)
  held.release()
  held.release()
  await slots.take(never)
  await expect(slots.take(never)).rejects.toMatchObject({ code: 'model_overloaded' })
})

test('a signal that aborts after the slot was taken has no effect', async () => {
  const slots = createSlots(1, 1)
  const held = await slots.take(never)
  const stop = new AbortController()
  const waiting = slots.take(stop.signal)
  held.release()
  const slot = await waiting
  stop.abort()
  await expect(slots.take(AbortSignal.abort())).rejects.toMatchObject({ code: 'model_cancelled' })
  slot.release()
  await expect(slots.take(never)).resolves.toBeDefined()
})
