import { beforeEach, describe, expect, test } from 'vitest'
import { CompleteAnswer } from '../../src/commands/chat/complete-answer.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { RouteRequest } from '../../src/commands/chat/route-request.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import { chatStream } from '../../src/events/chat.ts'
import { type Uuid7, Principal } from '../../src/events/identifiers.ts'
import { earlierTurns, type PromptInConversation } from '../../src/projections/chats.ts'
import { newId, type TestCouncil } from '../support/council.ts'
import { databaseKinds } from '../support/databases.ts'
import { suiteDatabase, testCouncil } from '../support/lifetimes.ts'
import { caughtUp, project } from '../support/read-models.ts'

describe.each(databaseKinds)('the earlier turns of a conversation, read from $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  let council: TestCouncil
  beforeEach(async () => {
    await db.empty()
    council = await testCouncil()
  })

  async function done<C, Reads extends ReadSet>(
    definition: CommandDefinition<C, Reads>,
    input: NoInfer<C>,
    principal = 'service:worker',
  ): Promise<void> {
    const { result } = await council.gate.execute(definition, input, {
      commandId: newId(),
      principal: Principal.parse(principal),
    })
    expect(result).toBe('appended')
  }

  async function asked(actor: string, conversationId: string, text: string): Promise<Uuid7> {
    const requestId = newId()
    await done(SubmitPrompt, { requestId, conversationId, text }, actor)
    return requestId
  }

  async function answered(requestId: Uuid7, text: string): Promise<void> {
    await done(StartAttempt, { requestId, attempt: 1, worker: 'w' })
    await done(RouteRequest, { requestId, attempt: 1, path: 'fast', intent: 'question', by: 'rule', confidence: 1 })
    const ending = { firstTokenMs: 1, endedAtMs: Date.now(), job: '1-1', finishReason: 'stop', reasons: [] } as const
    await done(CompleteAnswer, { requestId, attempt: 1, text, ...ending })
  }

  const turn = async (actor: string, conversationId: string, text: string, answer: string): Promise<Uuid7> => {
    const requestId = await asked(actor, conversationId, text)
    await answered(requestId, answer)
    return requestId
  }

  /** A prompt submitted now. */
  async function prompt(actor: string, conversationId: string): Promise<PromptInConversation> {
    const requestId = await asked(actor, conversationId, 'And now?')
    const event = (await council.events()).find(({ stream }) => stream === chatStream(requestId))
    if (!event) throw new Error('the prompt is not in the log')
    return { conversationId, actor: event.metadata.actor, position: event.position, sequence: event.sequence }
  }

  test('are only those of the same asker and the same conversation', async () => {
    project(council.log, db.postgres)
    const mine = await turn('anna', 'c', 'My name is Anna.', 'Hello, Anna.')
    await turn('bob', 'c', 'My name is Bob.', 'Hello, Bob.')
    await turn('anna', 'c2', 'In another one', 'Yes.')
    expect(await earlierTurns(db.postgres).before(await prompt('anna', 'c'))).toEqual({
      turns: [{ requestId: mine, question: 'My name is Anna.', answer: 'Hello, Anna.' }],
      total: 1,
    })
    expect(await earlierTurns(db.postgres).before(await prompt('carol', 'c'))).toEqual({ turns: [], total: 0 })
    expect(await earlierTurns(db.postgres).named(await prompt('bob', 'c'), [mine])).toBe(null)
  })

  test('exclude a turn that ended after the prompt was submitted', async () => {
    project(council.log, db.postgres)
    const slow = await asked('anna', 'c', 'A slow one')
    const now = await prompt('anna', 'c')
    await answered(slow, 'Too late.')
    expect(await earlierTurns(db.postgres).before(now)).toEqual({ turns: [], total: 0 })
    expect(await earlierTurns(db.postgres).before(await prompt('anna', 'c'))).toMatchObject({
      turns: [{ requestId: slow }],
      total: 1,
    })
  })

  test('are the newest 100 of a long conversation, at most 1 MiB of text, with the total count', async () => {
    const count = 300
    for (let begun = 0; begun < count; begun += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => turn('anna', 'c', `Question ${begun + index}`, 'An answer.')),
      )
    const projector = project(council.log, db.postgres)
    await caughtUp(projector, council.log)
    const found = await earlierTurns(db.postgres).before(await prompt('anna', 'c'))
    expect(found?.turns).toHaveLength(100)
    expect(found?.total).toBe(count)
    await turn('anna', 'c', 'A long answer', 'x'.repeat(600_000))
    await turn('anna', 'c', 'Another long answer', 'y'.repeat(600_000))
    const last = await earlierTurns(db.postgres).before(await prompt('anna', 'c'))
    expect(last?.turns.map(({ question }) => question)).toEqual(['Another long answer'])
    expect(last?.total).toBe(count + 2)
  }, 120_000)

  test('are null after a bounded wait while the read model lags, is not built, or its server is silent', async () => {
    await turn('anna', 'c', 'My name is Anna.', 'Hello, Anna.')
    const now = await prompt('anna', 'c')
    expect(await earlierTurns(db.postgres).before(now)).toBe(null)
    expect(await earlierTurns({ snapshot: () => new Promise<never>(() => undefined) }).before(now)).toBe(null)
    expect(await earlierTurns({ snapshot: () => Promise.reject(new Error('connection refused')) }).before(now)).toBe(
      null,
    )
    const projector = project(council.log, db.postgres)
    await caughtUp(projector, council.log)
    await projector.stop()
    expect(await earlierTurns(db.postgres).before(await prompt('anna', 'c'))).toBe(null)
  })
})
