import { describe, expect, test } from 'vitest'
import { answerPrompt } from '../../../src/agents/worker/answer.ts'
import { ModelError } from '../../../src/agents/models/model.ts'
import { createOrchestrator } from '../../../src/agents/council/orchestrator.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { councilModel } from '../../support/council-model.ts'
import { memoryPrompt } from '../../support/memory-attempt.ts'
import { councilOf } from '../../support/seating.ts'
import { text, untilCancelled, usage, type ModelStep } from '../../support/scripted-model.ts'

/** A prompt on the full path whose first worker reaches a call and goes no further. */
async function stuckIn(name: string, before: ModelStep[] = [], scripts: Record<string, ModelStep[]> = {}) {
  const reached = Promise.withResolvers<undefined>()
  const model = councilModel({ ...scripts, [name]: [[...before, () => reached.resolve(undefined), untilCancelled]] })
  const prompt = await memoryPrompt({ model })
  const first = await prompt.nextAttempt({ requestedPath: 'full' })
  const running = answerPrompt(prompt.dependencies, first.attempt)
  running.catch(() => undefined)
  await reached.promise
  return { ...prompt, model, first, running }
}

const callsOf = (model: ReturnType<typeof councilModel>) =>
  Object.fromEntries([...Map.groupBy(model.calls, ({ name }) => name)].map(([name, calls]) => [name, calls.length]))
const once = Object.fromEntries(
  ['draft', 'critique', 'vote'].flatMap((phase) =>
    ['analyst', 'sceptic', 'pragmatist'].map((member) => [`${phase} ${member}`, 1]),
  ),
)

describe('a worker that dies', () => {
  test.each(['draft sceptic', 'critique sceptic', 'vote sceptic', 'synthesize'])(
    'in the call %s is replaced by one that repeats only this call',
    async (name) => {
      const { dependencies, model, nextAttempt, ending, events } = await stuckIn(name)
      // The other members of the phase have finished before the worker died.
      const [phase = ''] = name.split(' ')
      if (phase !== 'synthesize') await expect.poll(async () => (await recorded(events, phase)).length).toBe(2)
      const { attempt } = await nextAttempt({ requestedPath: 'full' })
      await answerPrompt(dependencies, attempt)

      expect(await ending()).toMatchObject({ type: 'AnswerCompleted', data: { degraded: false }, jobs: 0 })
      expect(callsOf(model)).toEqual({ ...once, synthesize: 1, [name]: 2 })
      // The lost call is charged at its reservation; each other call is charged once.
      const debits = await events(/^BudgetDebited$/)
      expect(debits).toHaveLength(11)
      const elections = await events(/^Election(Opened|Decided)$/)
      expect(elections.map(({ type }) => type)).toEqual(['ElectionOpened', 'ElectionDecided'])
    },
  )

  test('in the middle of the answer is replaced by one that continues the text', async () => {
    const { dependencies, nextAttempt, ending, tokens, model } = await stuckIn('synthesize', [
      usage(9, 2),
      text('Paris is'),
    ])
    await expect.poll(() => tokens.page.text).toBe('Paris is')
    const { attempt } = await nextAttempt({ requestedPath: 'full' })
    await answerPrompt(dependencies, attempt)
    expect(model.named('synthesize')[1]).toMatchObject({ continueFrom: 'Paris is' })
    expect(model.named('synthesize')[1]?.messages).toEqual(model.named('synthesize')[0]?.messages)
    expect(await ending()).toMatchObject({ data: { text: 'Paris isParis is the capital of France.' } })
  })

  test('after a vote that failed is replaced by one whose answer still says so', async () => {
    const failing = [new ModelError('model_unavailable', 'down')]
    const scripts = { 'vote analyst': failing, 'vote pragmatist': failing }
    const { dependencies, nextAttempt, ending } = await stuckIn('synthesize', [], scripts)
    const { attempt } = await nextAttempt({ requestedPath: 'full' })
    await answerPrompt(dependencies, attempt)
    expect(await ending()).toMatchObject({ data: { degraded: true, reasons: ['ballots_below_quorum'] } })
  })

  test.each([0, 5, 8, 11, 12, 30, 10_000])(
    'after the chair failed, and %i characters of the answer were seen, is replaced by one that goes on with the draft',
    async (seen) => {
      const failing = [usage(9, 2), text('Paris is'), new ModelError('model_timeout', 'silent')]
      const model = councilModel({ synthesize: failing })
      const prompt = await memoryPrompt({ model })
      const { dependencies, nextAttempt, ending, events, tokens } = prompt
      const first = await nextAttempt({ requestedPath: 'full' })
      const stuck = Promise.withResolvers<undefined>()
      const gate: typeof dependencies.gate = {
        ...dependencies.gate,
        execute(definition, input, context) {
          if (definition.name !== 'CompleteAnswer') return dependencies.gate.execute(definition, input, context)
          stuck.resolve(undefined)
          return new Promise(() => undefined)
        },
      }
      void answerPrompt({ ...dependencies, gate }, first.attempt)
      await stuck.promise
      // White space at the end is held until more text follows.
      const shown = tokens.page.text.slice(0, seen).trimEnd()
      Object.assign(tokens.page, { text: shown, endOffset: shown.length })
      const { attempt } = await nextAttempt({ requestedPath: 'full' })
      await answerPrompt(dependencies, attempt)

      const draft = await winningDraft(events)
      const chair = 'Paris is'.slice(0, seen)
      const answer = chair === '' ? draft : `${chair}\n\n---\n\n${draft}`
      expect(await ending()).toMatchObject({
        data: { text: answer, degraded: true, reasons: ['chair_failed'] },
        jobs: 0,
      })
      expect(tokens.page.text).toBe(answer)
      expect(callsOf(model)).toEqual({ ...once, synthesize: 1 })
      expect((await events(/^SynthesisFailed$/)).map(({ data }) => data)).toMatchObject([
        { member: 'chair', why: 'model_failed', message: 'silent', characters: 8 },
      ])
    },
  )

  test('in an answer of one model, below the quorum, is replaced by one that continues this answer', async () => {
    const failing = [new ModelError('model_unavailable', 'down')]
    const scripts = { 'draft analyst': failing, 'draft pragmatist': failing }
    const { dependencies, nextAttempt, ending, tokens, model } = await stuckIn('respond', [text('Paris is')], scripts)
    await expect.poll(() => tokens.page.text).toBe('Paris is')
    const { attempt } = await nextAttempt({ requestedPath: 'full' })
    await answerPrompt(dependencies, attempt)
    expect(model.calls.at(-1)).toMatchObject({ name: 'respond', continueFrom: 'Paris is' })
    expect(await ending()).toMatchObject({ data: { degraded: true, reasons: ['drafts_below_quorum'] } })
  })

  test('cannot record anything after another worker has taken over', async () => {
    const { dependencies, nextAttempt, first, running, ending } = await stuckIn('draft sceptic')
    const { attempt } = await nextAttempt({ requestedPath: 'full' })
    await answerPrompt(dependencies, attempt)
    const ended = await ending()
    first.stop('superseded')
    await running.catch((error: unknown) => {
      expect(error).toMatchObject({ name: 'RunEnded', code: 'attempt_superseded' })
    })
    expect(await ending()).toEqual(ended)
  })
})

async function winningDraft(events: (type: RegExp) => Promise<AnyRecordedEvent[]>): Promise<string | undefined> {
  const all = await events(/./)
  const winner = all.flatMap((event) => (event.type === 'ElectionDecided' ? [event.data.winner] : []))[0]
  const candidates = all.flatMap((event) => (event.type === 'ElectionOpened' ? event.data.candidates : []))
  const author = candidates.find(({ label }) => label === winner)?.author
  return all.flatMap((event) =>
    event.type === 'DraftProduced' && event.data.member === author ? [event.data.text] : [],
  )[0]
}

const recorded = (events: (type: RegExp) => Promise<unknown[]>, phase: string) =>
  events({ draft: /^DraftProduced$/, critique: /^CritiqueProduced$/, vote: /^BallotCast$/ }[phase] ?? /^$/)

describe('a council that has changed before the takeover', () => {
  const member = (id: string) => ({ id, name: id, persona: `You are ${id}.` })

  test.each(['draft sceptic', 'critique sceptic', 'vote sceptic', 'synthesize'])(
    'finishes the request by the election and the drafts on record, in the call %s',
    async (name) => {
      const { dependencies, model, nextAttempt, ending, events } = await stuckIn(name)
      const { attempt } = await nextAttempt({ requestedPath: 'full' })
      const seated = councilOf(model, { members: [member('novice'), member('pragmatist'), member('analyst')] })
      const earlierTurns = { before: () => Promise.resolve(null), named: () => Promise.resolve(null) }
      const orchestrate = createOrchestrator({ ...dependencies, ...seated, earlierTurns })
      await answerPrompt({ ...dependencies, orchestrate }, attempt)

      expect(await ending()).toMatchObject({ type: 'AnswerCompleted', jobs: 0 })
      const [opened] = await events(/^ElectionOpened$/)
      const voters = (await events(/^BallotCast$/)).map(({ data }) => (data as { member: string }).member)
      const electorate = (opened?.data as { electorate: { member: string }[] }).electorate.map((voter) => voter.member)
      expect(electorate).toEqual(expect.arrayContaining(voters))
    },
  )
})

describe('a council whose rule about own drafts has changed before the takeover', () => {
  test.each([true, false])('judges by the rule of the election: own drafts allowed %s', async (ownDraftAllowed) => {
    const reached = Promise.withResolvers<undefined>()
    const stuck: ModelStep[] = [() => reached.resolve(undefined), untilCancelled]
    const model = councilModel({ 'critique analyst': [stuck] })
    const { dependencies, nextAttempt, ending, events } = await memoryPrompt({ model, council: { ownDraftAllowed } })
    const first = await nextAttempt({ requestedPath: 'full' })
    answerPrompt(dependencies, first.attempt).catch(() => undefined)
    await reached.promise
    const { attempt } = await nextAttempt({ requestedPath: 'full' })
    const seated = councilOf(model, { ownDraftAllowed: !ownDraftAllowed })
    const earlierTurns = { before: () => Promise.resolve(null), named: () => Promise.resolve(null) }
    await answerPrompt(
      { ...dependencies, orchestrate: createOrchestrator({ ...dependencies, ...seated, earlierTurns }) },
      attempt,
    )

    const shown = ownDraftAllowed ? 3 : 2
    for (const member of ['analyst', 'sceptic', 'pragmatist']) {
      const [vote] = model.named(`vote ${member}`)
      const choices = vote?.constraint && 'choices' in vote.constraint ? vote.constraint.choices : []
      expect(choices[0]?.split(' > ')).toHaveLength(shown)
    }
    // The review that the new worker asks for shows as many drafts as the election allows.
    const asked = model.named('critique analyst')[1]?.messages.at(-1)?.content
    expect(asked?.match(/"[A-C]: …"/g)).toHaveLength(shown)
    const ballots = (await events(/^BallotCast$/)).map((event) =>
      event.type === 'BallotCast' ? event.data.ballot : [],
    )
    expect(ballots).toHaveLength(3)
    for (const ballot of ballots) expect(ballot).toHaveLength(shown)
    expect(await ending()).toMatchObject({ type: 'AnswerCompleted', data: { degraded: false } })
  })
})

describe('stopping a deliberation', () => {
  test.each(['draft sceptic', 'critique sceptic', 'vote sceptic', 'synthesize'])(
    'by a cancellation in the call %s ends all calls, pays them and records the end',
    async (name) => {
      const { first, running, ending, events } = await stuckIn(name)
      first.stop('cancelled')
      await running
      expect(await ending()).toMatchObject({ type: 'AnswerCancelled', jobs: 0 })
      const [reserved, debited, released] = await Promise.all(
        [/^BudgetReserved$/, /^BudgetDebited$/, /^BudgetReleased$/].map((type) => events(type)),
      )
      expect((debited?.length ?? 0) + (released?.length ?? 0)).toBe(reserved?.length)
    },
  )

  test('by a shutdown settles its calls and leaves the prompt open for another worker', async () => {
    const { first, running, openChat, nextAttempt, dependencies, ending } = await stuckIn('draft sceptic')
    first.stop('shutdown')
    expect(await running).toBeNull()
    expect((await openChat()).openCalls).toEqual([])
    const { attempt } = await nextAttempt({ requestedPath: 'full' })
    await answerPrompt(dependencies, attempt)
    expect(await ending()).toMatchObject({ type: 'AnswerCompleted' })
  })
})

test('an answer that runs out of time in the vote is the draft that can be had', async () => {
  const { first, running, ending } = await stuckIn('vote sceptic', [], { synthesize: [untilCancelled] })
  first.expire()
  await running
  expect(await ending()).toMatchObject({
    type: 'AnswerCompleted',
    data: { degraded: true, reasons: ['chair_failed'] },
    jobs: 0,
  })
})
