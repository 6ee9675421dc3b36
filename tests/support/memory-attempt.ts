import { beginning, Principal } from '../../src/events/identifiers.ts'
import { createOrchestrator } from '../../src/agents/council/orchestrator.ts'
import { noProgress, readProgress } from '../../src/agents/council/progress.ts'
import type { ModelClient } from '../../src/agents/models/model.ts'
import { parsePrices } from '../../src/agents/models/prices.ts'
import type { StopReason } from '../../src/agents/run.ts'
import type { TokenPage, WriteTokens } from '../../src/agents/tokens/token-stream.ts'
import type { AnswerDependencies, Attempt } from '../../src/agents/worker/answer.ts'
import { chat, type OpenChat } from '../../src/commands/aggregates/chat.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { createGate } from '../../src/commands/gate/gate.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { chatStream } from '../../src/events/chat.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import type { EarlierTurns } from '../../src/projections/chats.ts'
import { newId } from './council.ts'
import { councilOf } from './seating.ts'
import { memoryServer } from './memory-log/memory-log.ts'

export const question = 'What is the capital of France?'

/** A token stream in memory, with the rules of write-tokens.lua. */
function memoryTokens(): { write: WriteTokens; read: () => Promise<TokenPage>; page: TokenPage } {
  const page: TokenPage = { text: '', endOffset: 0, begun: [], previews: [], firstTextAtMs: null, lastId: '0-0' }
  return {
    page,
    read: () => Promise.resolve({ ...page, begun: [...page.begun] }),
    async write(_, attempt, offset, text) {
      if (Math.max(0, ...page.begun) > attempt) return 'superseded'
      if (text === '') page.begun.push(attempt)
      else if (offset !== page.text.length) return 'lost'
      if (text !== '') page.firstTextAtMs ??= 1
      page.text += text
      page.endOffset = page.text.length
      return 'written'
    },
  }
}

export type AttemptOptions = {
  model: ModelClient
  microsPer1000?: number
  earlierTurns?: EarlierTurns
  answerMaxTokens?: number
  /** Changes to the content of council.json. */
  council?: object
  /** The text of the prompt. */
  asked?: string
}

/** One prompt on a log in memory, and the dependencies of the agents that answer it. */
export async function memoryPrompt({
  model,
  microsPer1000 = 1000,
  earlierTurns,
  answerMaxTokens = 100,
  council,
  asked = question,
}: AttemptOptions) {
  const server = memoryServer(systemClock)
  const log = server.open()
  const gate = createGate({ log, clock: systemClock, newId, pause: () => Promise.resolve(), logger: silentLogger })
  const requestId = newId()
  const execute = <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: NoInfer<C>) =>
    gate.execute(definition, input, { commandId: newId(), principal: Principal.parse('tester') })
  await gate.execute(
    SubmitPrompt,
    { requestId, text: asked },
    { commandId: requestId, principal: Principal.parse('anna') },
  )
  const tokens = memoryTokens()
  const rates = { promptMicrosPer1000: microsPer1000, completionMicrosPer1000: microsPer1000 }
  const agent = {
    gate,
    ...councilOf(model, council),
    prices: parsePrices({ default: { name: 'test', ...rates }, prices: [] }),
    writeTokens: tokens.write,
    clock: systemClock,
    newId,
    pause: () => Promise.resolve(),
    answerMaxTokens,
    answerTimeoutMs: 60_000,
    earlierTurns: earlierTurns ?? { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
  }
  const dependencies: AnswerDependencies = { ...agent, orchestrate: createOrchestrator(agent), readTokens: tokens.read }

  const openChat = async (): Promise<OpenChat> => {
    const { state } = await gate.load(chat, chatStream(requestId))
    if (state.status !== 'open') throw new Error(`the prompt is ${state.status}`)
    return state
  }

  /** Starts the next attempt, as a worker does that takes the job. */
  async function nextAttempt(fields: Partial<Attempt> = {}) {
    const before = await openChat()
    const number = before.attempt + 1
    await execute(StartAttempt, { requestId, attempt: number, worker: 'test' })
    const stop = new AbortController()
    const deadline = new AbortController()
    const attempt: Attempt = {
      run: {
        work: chatStream(requestId),
        requestId,
        attempt: number,
        submittedAt: before.submittedAt,
        causationId: requestId,
        asker: Principal.parse('anna'),
        signal: stop.signal,
        leaving: new AbortController().signal,
        deadline: deadline.signal,
        logger: silentLogger,
      },
      question: asked,
      promptPosition: beginning,
      conversation: null,
      requestedPath: null,
      progress:
        number === 1
          ? noProgress
          : await readProgress(log, { stream: chatStream(requestId), position: beginning, requestId }),
      before,
      job: () => server.jobs()[0]?.entry ?? '0-0',
      supersede: () => stop.abort('superseded' satisfies StopReason),
      ...fields,
    }
    return { attempt, stop: (reason: StopReason) => stop.abort(reason), expire: () => deadline.abort() }
  }

  async function events(type?: RegExp): Promise<AnyRecordedEvent[]> {
    const all: AnyRecordedEvent[] = []
    for await (const page of log.read()) all.push(...page)
    return type ? all.filter((event) => type.test(event.type)) : all
  }

  /** The event that ended the prompt, and whether its job has left the queue. */
  async function ending() {
    const ends = await events(/^Answer/)
    if (ends.length > 1) throw new Error(`${ends.length} terminal events`)
    return { type: ends[0]?.type ?? 'open', data: ends[0]?.data ?? {}, jobs: server.jobs().length }
  }

  return { requestId, dependencies, tokens, execute, openChat, nextAttempt, events, ending }
}
