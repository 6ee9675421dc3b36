import { describe, expect, onTestFinished, test } from 'vitest'
import type { ServerFrame } from '../../src/api/chat/frames.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import type { ChatClient } from '../support/chat-client.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api,projector' })
const execute = (name: string, fields: object) => executeCommand(scene.council, name, fields)
const get = (path: string) => apiGet(scene.council, path)

/** Lets answers wait for a person until the test ends. */
async function holdAnswers(): Promise<void> {
  await execute('SetApprovalPolicy', { approveAnswers: true })
  await execute('SwitchMode', { mode: 'manual', reason: 'a test' })
  onTestFinished(async () => void (await execute('SwitchMode', { mode: 'supervised', reason: 'the test is over' })))
}

const shownText = (frames: readonly ServerFrame[]): string[] =>
  frames.flatMap((frame) => ('text' in frame && frame.text !== '' ? [frame.text] : []))

async function asked(path: string): Promise<{ client: ChatClient; requestId: string; approvalId: string }> {
  const client = await scene.connect()
  const requestId = client.ask({ text: 'What is the capital of France?', path })
  const { approvalId } = await client.frame('approval')
  return { client, requestId, approvalId }
}

describe('an answer that waits for a person', () => {
  test.each(['fast', 'full'])('on the %s path: no text comes before the release, and all of it after', async (path) => {
    await holdAnswers()
    await scene.startWorker()
    const { client, requestId, approvalId } = await asked(path)
    expect(client.frames.find(({ type }) => type === 'routed')).toMatchObject({ held: true })
    expect(shownText(client.frames)).toEqual([])
    const { body } = await get(`/v1/approvals/${approvalId}?after=${(await scene.log.events()).at(-1)?.position}`)
    expect(body).toMatchObject({ action: 'ReleaseAnswer', status: 'waiting', requestId, why: 'answer_held' })

    client.send({ type: 'approve', approvalId, argumentsHash: body['argumentsHash'] })
    expect(await client.frame('decided')).toMatchObject({ approvalId, decision: 'granted' })
    const completed = await client.frame('completed')
    expect(completed.text).not.toBe('')
    expect(client.text()).toBe(completed.text)
    const [held] = await scene.eventsOf(requestId, /^AnswerHeld$/)
    expect(held?.data['text']).toBe(completed.text)
  })

  test('is released by a worker that starts after the one that wrote it was killed', async () => {
    await holdAnswers()
    const first = await scene.startWorker()
    const { client, requestId, approvalId } = await asked('fast')
    await first.kill()
    await execute('GrantApproval', { approvalId })
    await scene.startWorker()
    await client.frame('completed')
    const events = await scene.eventsOf(requestId, /^(AttemptStarted|ModelCallStarted|PromptResumed|AnswerCompleted)$/)
    expect(events.map(({ type }) => type)).toEqual([
      'AttemptStarted',
      'ModelCallStarted',
      'PromptResumed',
      'AttemptStarted',
      'AnswerCompleted',
    ])
  })

  test('that a person denies ends as `answer_denied`, without text', async () => {
    await holdAnswers()
    await scene.startWorker()
    const { client, approvalId } = await asked('fast')
    client.send({ type: 'deny', approvalId, reason: 'not for customers' })
    expect(await client.frame('failed')).toMatchObject({ code: 'answer_denied' })
    expect(shownText(client.frames)).toEqual([])
  })

  test('can be cancelled: its approval is withdrawn', async () => {
    await holdAnswers()
    await scene.startWorker()
    const { client, requestId, approvalId } = await asked('fast')
    client.send({ type: 'cancel', requestId })
    expect(await client.frame('cancelled')).toMatchObject({ costMicros: expect.any(Number) as unknown })
    const refused = await execute('GrantApproval', { approvalId })
    expect(refused).toMatchObject({ status: 422, body: { code: 'approval_decided' } })
  })

  test('no longer waits if the mode was switched before it was written', async () => {
    await holdAnswers()
    const client = await scene.connect()
    client.ask({ text: 'What is the capital of France?', path: 'fast' })
    await client.frame('accepted')
    await execute('SwitchMode', { mode: 'supervised', reason: 'in mid-flight' })
    await scene.startWorker()
    await client.frame('completed')
    expect(client.frames.some(({ type }) => type === 'approval')).toBe(false)
  })
})

describe('a budget that pauses', () => {
  async function exceeded() {
    await execute('SetBudgetPolicy', { scope: 'user:admin', dailyMicros: 1, onExceed: 'pause' })
    onTestFinished(async () => void (await execute('SetBudgetPolicy', { scope: 'user:admin', dailyMicros: 9_000_000 })))
    await scene.startWorker()
    return asked('fast')
  }

  test('lets a prompt exceed it once a person agrees', async () => {
    const { client, requestId, approvalId } = await exceeded()
    client.send({ type: 'approve', approvalId })
    const completed = await client.frame('completed')
    expect(completed.costMicros).toBeGreaterThan(1)
    const [paused] = await scene.eventsOf(requestId, /^PromptPaused$/)
    expect(paused?.data).toMatchObject({ approvalId, why: 'budget_exceeded' })
    expect(paused?.data['budget']).toMatch(/^budget\/user:admin\//)
  })

  test('ends the prompt as `budget_exceeded` if a person denies it', async () => {
    const { client, approvalId } = await exceeded()
    client.send({ type: 'deny', approvalId })
    expect(await client.frame('failed')).toMatchObject({ code: 'budget_exceeded', costMicros: 0 })
  })
})

describe('approvals and the mode over HTTP', () => {
  const proposal = {
    action: 'TransferFunds',
    exactArguments: { transferId: 'gift', from: 'external', to: 'reserve', amountMicros: 5, reason: 'a gift' },
  }

  test('a proposal is answered with 202, and its requester may not grant it', async () => {
    const asked = await execute('RequestApproval', proposal)
    expect(asked).toMatchObject({ status: 202, body: { result: 'approval_required' } })
    const approvalId = String(asked.body['approvalId'])
    const after = String(asked.body['position'])
    const { body } = await get(`/v1/approvals?status=waiting&after=${after}`)
    expect(body['approvals']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ approval: approvalId, requestedBy: 'admin', why: 'requested' }),
      ]),
    )
    const granted = await execute('GrantApproval', { approvalId })
    expect(granted).toMatchObject({ status: 422, body: { code: 'approver_not_independent' } })
  })

  test('a repeated proposal gets the same answer', async () => {
    const key = 'the-same-key'
    const first = await executeCommand(scene.council, 'RequestApproval', proposal, key)
    const second = await executeCommand(scene.council, 'RequestApproval', proposal, key)
    expect(second).toMatchObject({ status: 202, body: { approvalId: first.body['approvalId'] } })
  })

  test('the mode is shown with the person who switched it, and with its history', async () => {
    await execute('SwitchMode', { mode: 'autonomous', reason: 'a night run' })
    const { body: switched } = await execute('SwitchMode', { mode: 'supervised', reason: 'the night is over' })
    const { body } = await get(`/v1/mode?after=${String(switched['position'])}&limit=2`)
    expect(body).toMatchObject({
      mode: 'supervised',
      switchedBy: 'admin',
      reason: 'the night is over',
      changes: [
        { from: 'autonomous', to: 'supervised' },
        { from: 'supervised', to: 'autonomous' },
      ],
    })
    expect(body['next']).toMatch(/^\d+$/)
  })

  test.each(['/v1/approvals?status=lost', '/v1/approvals?cursor=1', '/v1/mode?cursor=x'])(
    '%s is malformed',
    async (path) => {
      expect(await get(path)).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    },
  )

  test('an unknown approval is not found', async () => {
    expect(await get('/v1/approvals/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})
