import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { chatStream } from '../../../src/events/chat.ts'
import { CancelPrompt } from '../../../src/commands/chat/cancel-prompt.ts'
import { chat } from '../../../src/commands/aggregates/chat.ts'
import { defineCommand } from '../../../src/commands/decider.ts'
import { createGate } from '../../../src/commands/gate/gate.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { Uuid7, Principal } from '../../../src/events/identifiers.ts'
import type { EventLog } from '../../../src/events/log/log.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { idAt, newId } from '../../support/council.ts'
import { suiteProcesses } from '../../support/lifetimes.ts'

const [council, other] = await suiteProcesses()

const submit = (requestId: Uuid7, by = council, text = 'What is the capital of France?') =>
  by.execute(SubmitPrompt, { requestId, text }, requestId)
const eventsOf = async (requestId: Uuid7) =>
  (await council.events()).filter(({ stream }) => stream === chatStream(requestId))

describe('a command', () => {
  test('is durable when it answers, with its position and the revisions it led to', async () => {
    const requestId = newId()
    const result = await submit(requestId)
    const [event] = await eventsOf(requestId)
    expect(result).toEqual({
      result: 'appended',
      position: event?.position,
      events: [{ position: event?.position, stream: chatStream(requestId), revision: 1, type: 'PromptSubmitted' }],
    })
    expect(event?.metadata).toMatchObject({ commandId: requestId, actor: 'tester' })
  })

  test('sent again under its id returns the first answer and runs once, in either process', async () => {
    const requestId = newId()
    const first = await submit(requestId)
    for (const process of [council, other])
      expect(await submit(requestId, process)).toEqual({ ...first, result: 'duplicate' })
    expect(await eventsOf(requestId)).toHaveLength(1)
  })

  test('sent three times at once runs once', async () => {
    const requestId = newId()
    const results = await Promise.all([1, 2, 3].map(() => submit(requestId)))
    expect(results.map(({ result }) => result).sort()).toEqual(['appended', 'duplicate', 'duplicate'])
    expect(await eventsOf(requestId)).toHaveLength(1)
  })

  test('is rejected if another command used its id', async () => {
    const requestId = newId()
    await submit(requestId)
    const reused = { result: 'rejected', code: 'command_id_reused' }
    expect(await submit(requestId, council, 'Something else?')).toMatchObject(reused)
  })

  test.each([
    ['from before the command window', -25 * 3_600_000, 'id_expired'],
    ['from the future', 10 * 60_000, 'id_ahead'],
  ])('with an id %s is rejected', async (_, ms, code) => {
    const result = await council.execute(SubmitPrompt, { requestId: newId(), text: 'Why?' }, idAt(Date.now() + ms))
    expect(result).toMatchObject({ result: 'rejected', code })
  })

  test('with malformed fields is rejected as malformed', async () => {
    const context = { commandId: newId(), principal: Principal.parse('tester') }
    const result = await council.gate.execute(SubmitPrompt, { requestId: 'x', text: '' }, context)
    expect(result).toMatchObject({ result: 'rejected', code: 'malformed_command' })
  })

  test('refused by a rule writes nothing to the log', async () => {
    const before = await council.events()
    expect(await council.execute(CancelPrompt, { requestId: newId() })).toEqual({
      result: 'refused',
      code: 'prompt_unknown',
    })
    expect(await council.events()).toEqual(before)
  })
})

describe('a command with an invalid event', () => {
  const Broken = defineCommand({ chat })({
    name: 'Broken',
    schema: z.strictObject({ requestId: Uuid7 }),
    reads: ({ requestId }) => ({ chat: chatStream(requestId) }),
    // The second event violates the catalogue, so it could never be read back.
    decide: () => ({
      outcome: 'accepted',
      events: {
        chat: [
          { type: 'CancellationRequested', data: { by: 'x' } },
          { type: 'AttemptStarted', data: { attempt: -1, worker: 'x', startedAt: 'never' } },
        ],
      },
    }),
  })

  test('fails as a whole, and the other commands of its batch succeed', async () => {
    const [requestId, before, after] = [newId(), newId(), newId()]
    await submit(requestId)
    const [first, broken, second] = await Promise.allSettled([
      submit(before),
      council.execute(Broken, { requestId }),
      submit(after),
    ])
    expect(broken.status).toBe('rejected')
    expect(await eventsOf(requestId)).toHaveLength(1)
    for (const [id, outcome] of [
      [before, first],
      [after, second],
    ] as const) {
      const [event] = await eventsOf(id)
      expect(outcome).toMatchObject({ status: 'fulfilled', value: { result: 'appended', position: event?.position } })
      expect(await submit(id)).toMatchObject({ result: 'duplicate', position: event?.position })
    }
  })
})

describe('two processes of one council', () => {
  test('see the events of each other despite stale caches', async () => {
    const requestId = newId()
    await submit(requestId)
    await other.execute(CancelPrompt, { requestId })
    expect(await council.execute(StartAttempt, { requestId, attempt: 1, worker: 'late' })).toEqual({
      result: 'refused',
      code: 'prompt_finished',
    })
  })

  test('start each attempt at a prompt only once', async () => {
    const requestId = newId()
    await submit(requestId)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? council : other).execute(StartAttempt, { requestId, attempt: 1, worker: `worker-${i}` }),
      ),
    )
    expect(results.filter(({ result }) => result === 'appended')).toHaveLength(1)
    expect(
      results.filter((result) => result.result === 'refused' && result.code === 'attempt_superseded'),
    ).toHaveLength(19)
  })

  test('write a gapless sequence and gapless revisions under load', async () => {
    const requestIds = Array.from({ length: 300 }, newId)
    const results = await Promise.all(requestIds.map((id, i) => submit(id, i % 2 ? council : other)))
    expect(new Set(results.map(({ result }) => result))).toEqual(new Set(['appended']))
    const events = await council.events()
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
  })
})

describe('an aggregate', () => {
  test('loads as the fold of its events', async () => {
    const requestId = newId()
    await submit(requestId)
    await council.execute(StartAttempt, { requestId, attempt: 1, worker: 'w' })
    const { revision, state } = await other.gate.load(chat, chatStream(requestId))
    const folded = (await eventsOf(requestId)).reduce((held, event) => chat.evolve(held, event as never), chat.initial)
    expect({ revision, state }).toEqual({ revision: 2, state: folded })
  })

  test('loads after a command with its events, in the process that executed it and in one whose memory is older', async () => {
    const requestId = newId()
    await submit(requestId)
    const stale = await other.execute(StartAttempt, { requestId, attempt: 1, worker: 'w' })
    const done = await council.execute(StartAttempt, { requestId, attempt: 2, worker: 'v' })
    if (done.result !== 'appended' || stale.result !== 'appended') throw new Error('an attempt was refused')
    for (const process of [council, other])
      expect(await process.gate.loadAfter(done.events, chat, chatStream(requestId))).toMatchObject({
        revision: 3,
        state: { attempt: 2 },
      })
    expect(await other.gate.loadAfter([], chat, chatStream(requestId))).toMatchObject({ revision: 3 })
  })

  test('is not read again after a command of the same gate', async () => {
    const requestId = newId()
    let reads = 0
    const log: EventLog = { ...council.log, loadStates: (streams) => (reads++, council.log.loadStates(streams)) }
    const gate = createGate({ log, clock: systemClock, newId, pause: () => Promise.resolve(), logger: silentLogger })
    const context = { commandId: requestId, principal: Principal.parse('tester') }
    const done = await gate.execute(SubmitPrompt, { requestId, text: 'Why?' }, context)
    if (done.result !== 'appended') throw new Error('a prompt was refused')
    const before = reads
    expect(await gate.loadAfter(done.events, chat, chatStream(requestId))).toMatchObject({ revision: 1 })
    expect(reads).toBe(before)
    await gate.load(chat, chatStream(requestId))
    expect(reads).toBe(before + 1)
  })
})
