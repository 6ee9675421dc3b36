import OpenAI from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { executeCommand } from '../../support/api-client.ts'
import { newId } from '../../support/council.ts'
import { openAiClient, openAiErrorOf } from '../../support/openai-client.ts'
import { serveCouncil } from '../../support/served-council.ts'
import { issueToken } from '../../support/tokens.ts'
import { serveForTests } from '../../support/test-scene.ts'

const scene = serveForTests({ settings: { APPROVAL_WAIT_MS: '500' } })
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]
const question = { model: 'council-fast', messages }
const openai = (options: Parameters<typeof openAiClient>[1] = {}) => openAiClient(scene.council, options)

describe('a client that leaves', () => {
  test('cancels its prompt after a while', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const stop = new AbortController()
    const key = newId()
    const options = { signal: stop.signal, headers: { 'idempotency-key': key } }
    const asked = openai().chat.completions.create({ ...question, stream: true }, options)
    await answer.emit('Par')
    await asked
    stop.abort()
    await answer.disconnected
    await expect.poll(() => scene.eventsOf(key, /^AnswerCancelled$/), { timeout: 10_000 }).toHaveLength(1)
  })

  test('and comes back in time under its Idempotency-Key gets the whole answer', async () => {
    const answer = scene.model.nextAnswer({ gated: true })
    const stop = new AbortController()
    const headers = { 'idempotency-key': newId() }
    const left = openai().chat.completions.create(question, { signal: stop.signal, headers })
    await answer.emit('Par')
    stop.abort()
    await openAiErrorOf(left)
    const again = openai().chat.completions.create(question, { headers })
    await answer.emit('is.')
    await answer.finish()
    expect((await again).choices[0]?.message.content).toBe('Paris.')
  })
})

describe('a token', () => {
  test('needs the scope chat:send, and chat:read to list the models', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:anna', scopes: ['chat:read'] })
    const reader = openai({ apiKey: token })
    const ids: string[] = []
    for await (const { id } of reader.models.list()) ids.push(id)
    expect(ids).toContain('council')
    expect(await openAiErrorOf(reader.chat.completions.create(question))).toMatchObject({
      status: 403,
      code: 'scope_missing',
      type: 'permission_error',
    })
  })

  test('that is revoked ends the answers of its client, and not the prompt', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:anna', scopes: ['chat:send'] })
    const answer = scene.model.nextAnswer({ gated: true })
    const headers = { 'idempotency-key': newId() }
    const asked = openai({ apiKey: token }).chat.completions.create({ ...question, stream: true }, { headers })
    await answer.emit('Par')
    const chunks = await asked
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    expect(await openAiErrorOf(Array.fromAsync(chunks))).toMatchObject({ code: 'invalid_api_key' })
    await answer.finish()
    await expect.poll(() => scene.eventsOf(headers['idempotency-key'], /^AnswerCompleted$/)).toHaveLength(1)
  })
})

describe('an answer that waits for a person', () => {
  async function holdAnswers() {
    await executeCommand(scene.council, 'SetApprovalPolicy', { approveAnswers: true })
    await executeCommand(scene.council, 'SwitchMode', { mode: 'manual', reason: 'a test' })
    onTestFinished(
      async () =>
        void (await executeCommand(scene.council, 'SwitchMode', { mode: 'supervised', reason: 'the test is over' })),
    )
  }

  test('is an error when it takes too long, and comes under its key after the release', async () => {
    await holdAnswers()
    scene.model.nextAnswer({ tokens: ['Paris.'] })
    const options = { headers: { 'idempotency-key': newId() } }
    const error = await openAiErrorOf(openai().chat.completions.create(question, options))
    expect(error).toMatchObject({ status: 409, code: 'approval_pending' })
    expect(error.headers?.get('x-should-retry')).toBe('false')
    const [, approvalId = ''] = /approval ([0-9a-f-]{36})/.exec(error.message) ?? []
    await executeCommand(scene.council, 'GrantApproval', { approvalId })
    const released = await openai().chat.completions.create(question, options)
    expect(released.choices[0]?.message.content).toBe('Paris.')
  })
})

test('a client over its limits is told so, as OpenAI tells it', async () => {
  const council = await serveCouncil({ ...scene.settings, MAX_PROMPTS_PER_MINUTE: '1' }, 'api')
  onTestFinished(council.kill)
  const limited = openAiClient(council)
  const stop = new AbortController()
  const first = limited.chat.completions.create(question, { signal: stop.signal })
  const error = await openAiErrorOf(limited.chat.completions.create(question))
  expect(error).toBeInstanceOf(OpenAI.RateLimitError)
  expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' })
  expect([error.headers?.get('x-should-retry'), error.headers?.get('retry-after')]).toEqual(['true', '1'])
  await first
})

test('a budget that is used up is a quota that is used up', async () => {
  await executeCommand(scene.council, 'SetBudgetPolicy', {
    scope: 'user:admin',
    dailyMicros: 0,
    softPercent: 80,
    onExceed: 'stop',
    timeZone: 'UTC',
  })
  onTestFinished(
    async () =>
      void (await executeCommand(scene.council, 'SetBudgetPolicy', {
        scope: 'user:admin',
        dailyMicros: 10_000_000,
        softPercent: 80,
        onExceed: 'stop',
        timeZone: 'UTC',
      })),
  )
  const error = await openAiErrorOf(openai().chat.completions.create({ ...question, stream: true }))
  expect(error).toMatchObject({ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' })
  expect(error.headers?.get('x-should-retry')).toBe('false')
})
