import { describe, test } from 'vitest'
import { CancelPrompt } from '../../../src/commands/chat/cancel-prompt.ts'
import { stepAggregates } from '../../../src/commands/budget/settlement.ts'
import { approval } from '../../../src/commands/aggregates/approval.ts'
import { chat } from '../../../src/commands/aggregates/chat.ts'
import { governance } from '../../../src/commands/aggregates/governance.ts'
import { maxAttempts } from '../../../src/commands/paid-calls.ts'
import { RouteRequest } from '../../../src/commands/chat/route-request.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { type ChatEvent, chatStream } from '../../../src/events/chat.ts'
import { beginning, Uuid7 } from '../../../src/events/identifiers.ts'
import { given } from '../../support/decider.ts'

const requestId = Uuid7.parse('0199a0b0-0000-7000-8000-000000000001')
const submitted: ChatEvent = {
  type: 'PromptSubmitted',
  data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: '2026-11-23T11:59:58.000Z' },
}
const attempt = (number: number): ChatEvent => ({
  type: 'AttemptStarted',
  data: { attempt: number, worker: 'w', startedAt: '2026-11-23T11:59:59.000Z' },
})
const bill = {
  costMicros: 0,
  tokens: { promptTokens: 0, completionTokens: 0 },
  timings: { queuedMs: 0, firstTokenMs: null, totalMs: 0 },
}
const cancelled: ChatEvent = { type: 'AnswerCancelled', data: { text: '', ...bill } }

const prompt = (...history: ChatEvent[]) => given({ chat }, { chat: history })
const waiting = (...history: ChatEvent[]) => given({ chat, approval }, { chat: history })

describe('submitting a prompt', () => {
  test('records it and creates a job for the workers', () => {
    prompt()
      .when(SubmitPrompt, { requestId, text: 'Why?' })
      .then({
        accepted: {
          chat: [
            {
              type: 'PromptSubmitted',
              data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: '2026-11-23T12:00:00.000Z' },
            },
          ],
        },
        jobs: [{ kind: 'answer', on: chatStream(requestId) }],
      })
  })

  test('is refused if its id is taken, also by a finished prompt', () => {
    prompt(submitted).when(SubmitPrompt, { requestId, text: 'Why?' }).thenMatches({ refused: 'prompt_exists' })
    prompt(submitted, cancelled)
      .when(SubmitPrompt, { requestId, text: 'Why?' })
      .thenMatches({ refused: 'prompt_exists' })
  })

  test.each(['fast', 'full', 'action'] as const)('records that the user asked for the %s path', (path) => {
    prompt()
      .when(SubmitPrompt, { requestId, text: 'Why?', path })
      .thenMatches({ accepted: { chat: [{ type: 'PromptSubmitted', data: { path } }] } })
  })
})

describe('an attempt', () => {
  test('has the next number', () => {
    prompt(submitted, attempt(1))
      .when(StartAttempt, { requestId, attempt: 2, worker: 'v' })
      .then({
        accepted: {
          chat: [{ type: 'AttemptStarted', data: { attempt: 2, worker: 'v', startedAt: '2026-11-23T12:00:00.000Z' } }],
        },
      })
  })

  test('with a number that is taken is refused', () => {
    prompt(submitted, attempt(1))
      .when(StartAttempt, { requestId, attempt: 1, worker: 'v' })
      .thenMatches({ refused: 'attempt_superseded' })
  })

  test('does not start while the prompt waits for a person; the attempts before the pause do not count', () => {
    const used = Array.from({ length: maxAttempts }, (_, index) => attempt(index + 1))
    const pause = { approvalId: requestId, promptPosition: beginning }
    const held: ChatEvent = {
      type: 'AnswerHeld',
      data: { ...pause, text: 'Because.', finishReason: 'stop', reasons: [] },
    }
    const next = { requestId, attempt: maxAttempts + 1, worker: 'v' }
    prompt(submitted, ...used, held)
      .when(StartAttempt, next)
      .thenMatches({ refused: 'prompt_paused', details: { approvalId: requestId } })
    prompt(submitted, ...used, held, { type: 'PromptResumed', data: { ...pause, decision: 'granted' } })
      .when(StartAttempt, next)
      .thenMatches({ accepted: { chat: [{ type: 'AttemptStarted' }] } })
  })

  test('is refused after the last allowed attempt', () => {
    const used = Array.from({ length: maxAttempts }, (_, index) => attempt(index + 1))
    prompt(submitted, ...used)
      .when(StartAttempt, { requestId, attempt: maxAttempts + 1, worker: 'v' })
      .thenMatches({ refused: 'attempts_exhausted' })
  })

  test('that was superseded can record nothing', () => {
    const late = { requestId, attempt: 1, path: 'fast', intent: 'question', by: 'rule', confidence: 1 } as const
    given({ ...stepAggregates, governance }, { chat: [submitted, attempt(1), attempt(2)] })
      .when(RouteRequest, late)
      .thenMatches({ refused: 'attempt_superseded' })
  })
})

describe('cancelling a prompt', () => {
  test('without an attempt ends it at once', () => {
    waiting(submitted)
      .when(CancelPrompt, { requestId })
      .thenMatches({
        accepted: {
          chat: [
            {
              type: 'AnswerCancelled',
              data: { text: '', costMicros: 0, timings: { queuedMs: 2000, firstTokenMs: null, totalMs: 2000 } },
            },
          ],
        },
      })
  })

  test('with a running attempt asks the worker to end it', () => {
    waiting(submitted, attempt(1))
      .when(CancelPrompt, { requestId })
      .then({ accepted: { chat: [{ type: 'CancellationRequested', data: { by: 'ada' } }] } })
  })

  test('twice has no further effect', () => {
    waiting(submitted, attempt(1), { type: 'CancellationRequested', data: { by: 'ada' } })
      .when(CancelPrompt, { requestId })
      .then({ accepted: {} })
  })

  test.each([
    ['was never submitted', [], 'prompt_unknown'],
    ['has ended', [submitted, cancelled], 'prompt_finished'],
  ] as const)('that %s is refused', (_, history, code) => {
    waiting(...history)
      .when(CancelPrompt, { requestId })
      .then({ refused: code })
  })
})
