import { describe, expect, test } from 'vitest'
import type { ChatClient } from '../support/chat-client.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api' })
const endings = /^Answer(Completed|Failed|Cancelled)$/

/** Sends a prompt on a new connection. */
async function asked() {
  const client = await scene.connect()
  return { client, requestId: client.ask() }
}

/** Resolves when the client has this text, in one token frame or in several. */
async function hasText(client: ChatClient, text: string): Promise<void> {
  while (client.text() !== text)
    await client.frame('token', client.frames.filter(({ type }) => type === 'token').length + 1)
}

describe('a worker that is killed during an answer', { timeout: 60_000 }, () => {
  test('is replaced by a live one: no word is lost, doubled or paid for twice', async () => {
    const first = scene.model.nextAnswer({ gated: true })
    const second = scene.model.nextAnswer({ tokens: [' is', ' Paris', '.'] })
    const doomed = await scene.startWorker()
    const { client, requestId } = await asked()
    await first.emit('The')
    await first.emit(' capital')
    await hasText(client, 'The capital')
    await scene.startWorker()
    await doomed.kill()

    const completed = await client.frame('completed')
    expect(completed.text).toBe('The capital is Paris.')
    expect(client.text()).toBe(completed.text)
    expect((await second.received).chat.messages.at(-1)).toEqual({ role: 'assistant', content: 'The capital' })

    const attempts = await scene.eventsOf(requestId, /AttemptStarted/)
    expect(attempts.map(({ data }) => data['attempt'])).toEqual([1, 2])
    expect(await scene.eventsOf(requestId, endings)).toHaveLength(1)
    const debits = await scene.eventsOf(requestId, /BudgetDebited/)
    expect(debits.map(({ data }) => data['usage'])).toEqual(['unknown', 'reported'])
    expect(completed.costMicros).toBe(debits.reduce((sum, { data }) => sum + Number(data['actualMicros']), 0))
  })

  test('three times leaves a failed answer with a code, and keeps the streamed text', async () => {
    const { client, requestId } = await asked()
    let text = ''
    for (const word of ['One', ' two', ' three']) {
      const answer = scene.model.nextAnswer({ gated: true })
      const worker = await scene.startWorker()
      await answer.emit(word)
      await hasText(client, (text += word))
      await worker.kill()
    }
    await scene.startWorker()
    expect(await client.frame('failed')).toMatchObject({ code: 'crashed' })
    expect(client.text()).toBe('One two three')
    expect(await scene.eventsOf(requestId, endings)).toHaveLength(1)
  })

  test('and whose streamed text is lost leaves a failed answer: no second text contradicts the first', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const worker = await scene.startWorker()
    const { client, requestId } = await asked()
    await answer.emit('The')
    await client.frame('token')
    await worker.kill()
    await scene.log.redis.del(`council:{${scene.log.councilId}}:tokens:${requestId}`)
    await scene.startWorker()
    expect(await client.frame('failed')).toMatchObject({ code: 'interrupted' })
  })
})

describe('a worker that was suspended', { timeout: 60_000 }, () => {
  test('cannot write into the answer of the worker that took over', async () => {
    const sleepy = scene.model.nextAnswer({ gated: true })
    const first = await scene.startWorker()
    const { client, requestId } = await asked()
    await sleepy.emit('The')
    await client.frame('token')
    first.child.kill('SIGSTOP')
    // The next token waits in the socket of the suspended worker.
    await sleepy.emit(' WRONG')

    scene.model.nextAnswer({ tokens: [' right', ' answer'] })
    await scene.startWorker()
    const completed = await client.frame('completed')
    first.child.kill('SIGCONT')
    await first.line(/superseded|another attempt/)
    expect(completed.text).toBe('The right answer')
    expect(client.text()).toBe('The right answer')
    expect(await scene.eventsOf(requestId, endings)).toHaveLength(1)
  })
})

describe('a worker that is asked to stop', { timeout: 60_000 }, () => {
  test('pays for the used tokens and hands the answer over at once', async () => {
    const first = scene.model.nextAnswer({ gated: true })
    const leaving = await scene.startWorker()
    const { client, requestId } = await asked()
    await first.emit('The capital')
    await client.frame('token')
    scene.model.nextAnswer({ tokens: [' is', ' Paris.'] })
    expect(await leaving.stop()).toBe(0)
    await first.disconnected
    await scene.startWorker()
    expect((await client.frame('completed')).text).toBe('The capital is Paris.')
    const ended = await scene.eventsOf(requestId, /ModelCallEnded/)
    expect(ended.map(({ data }) => data['outcome'])).toEqual(['cancelled', 'completed'])
  })
})

describe('a prompt that waits', () => {
  test('is answered as soon as a worker starts', async () => {
    const { client } = await asked()
    await client.frame('accepted')
    scene.model.nextAnswer({ tokens: ['Paris.'] })
    await scene.startWorker()
    expect((await client.frame('completed')).text).toBe('Paris.')
  })

  test('is never answered after it was cancelled', async () => {
    const { client, requestId } = await asked()
    await client.frame('accepted')
    client.send({ type: 'cancel', requestId })
    expect((await client.frame('cancelled')).costMicros).toBe(0)
  })
})
