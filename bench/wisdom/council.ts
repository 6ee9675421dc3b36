import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createJudges } from '../../src/agents/council/judge-work.ts'
import { createOrchestrator } from '../../src/agents/council/orchestrator.ts'
import { parseSeating, type Seating } from '../../src/agents/council/seating.ts'
import { memberModels } from '../../src/agents/models/member-models.ts'
import { parsePrices } from '../../src/agents/models/prices.ts'
import type { OpenedModel } from '../../src/agents/models/provider.ts'
import { openProvider } from '../../src/agents/models/providers.ts'
import { readTokens, tokenWriter } from '../../src/agents/tokens/token-stream.ts'
import { startWorker } from '../../src/agents/worker/worker.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { chatStream } from '../../src/events/chat.ts'
import { electionStream } from '../../src/events/election.ts'
import { startTail } from '../../src/events/log/read/tail.ts'
import { methods } from '../../src/gedi/count.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { loadConfig, repositoryRoot } from '../../src/platform/config/config.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis } from '../../src/platform/redis/connection.ts'
import { fullContext, newId, openBenchCouncil } from '../harness/bench-council.ts'
import { MissingPrerequisite } from '../harness/peers.ts'
import { deliberationOf, type Deliberation } from './deliberation.ts'

export type WisdomCouncil = {
  seating: Seating
  /** The model in a few words. */
  what: string
  /** The length of a fast answer. */
  answerMaxTokens: number
  /** Submits a question and waits until its answer is durable. */
  ask: (text: string, path: 'fast' | 'full') => Promise<Deliberation>
  stop: () => Promise<void>
}

const councilId = 'bench'
const phaseMs = 600_000
const timeLimits = { triageMs: phaseMs, draftMs: phaseMs, critiqueMs: phaseMs, voteMs: phaseMs, synthesizeMs: phaseMs }

/**
 * A worker with a real model, composed as in production, with the members of a council file. Members may vote for their own drafts, so
 * that each ballot ranks all drafts and every method can count it. The time limits are wide, so that a slow machine does not decide
 * which answers are right.
 */
export async function startWisdomCouncil(
  redisUrl: string,
  { councilFile, model: modelName, atOnce }: { councilFile: string; model: string | undefined; atOnce: number },
): Promise<WisdomCouncil> {
  const { opened, answers } = await openModel(modelName)
  const file: unknown = JSON.parse(readFileSync(councilFile, 'utf8'))
  const seating = parseSeating({ ...(file as object), ownDraftAllowed: true, timeLimits })
  if (methods[seating.method].ballots !== 'ranking')
    throw new Error(`${seating.method} has no rankings that other methods could count`)
  const { modelOf } = memberModels(
    opened,
    [...seating.members, seating.chair].map(({ model }) => model),
  )
  const { log, gate, redis, close } = await openBenchCouncil(redisUrl, councilId)
  const tail = startTail(log, await log.head())
  const agent = {
    gate,
    seating,
    modelOf,
    preview: () => undefined,
    prices: parsePrices(JSON.parse(readFileSync(`${repositoryRoot}/config/prices.json`, 'utf8'))),
    writeTokens: tokenWriter(redis, councilId),
    clock: systemClock,
    newId,
    pause: (ms: number) => pause(ms),
    answerMaxTokens: answers.maxTokens,
    answerTimeoutMs: answers.timeoutMs,
    earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
  }
  const blocking = connectRedis({ url: redisUrl, role: 'blocking', name: 'bench-jobs', logger: silentLogger })
  const worker = startWorker(
    {
      ...agent,
      log,
      tail,
      jobs: await log.openJobs(blocking, councilId, 5_000),
      logger: silentLogger,
      orchestrate: createOrchestrator(agent),
      judgeWork: createJudges(agent),
      readTokens: (requestId) => readTokens(redis, councilId, requestId, '0-0'),
    },
    { name: councilId, concurrency: atOnce, leaseMs: 5_000 },
  )

  const ask = async (text: string, path: 'fast' | 'full'): Promise<Deliberation> => {
    const requestId = newId()
    const ended = Promise.withResolvers<undefined>()
    const stopListening = tail.listen(chatStream(requestId), ({ type }) => {
      if (type === 'AnswerCompleted' || type === 'AnswerFailed') ended.resolve(undefined)
    })
    const { result } = await gate.execute(SubmitPrompt, { requestId, text, path }, fullContext(requestId))
    if (result !== 'appended') throw new Error(`a question was ${result}`)
    await ended.promise
    stopListening()
    const events: AnyRecordedEvent[] = []
    for await (const page of log.read({ streams: [chatStream(requestId), electionStream(requestId)] }))
      events.push(...page)
    return deliberationOf(events)
  }
  const stop = async (): Promise<void> => {
    await worker.stop()
    await tail.stop()
    await opened.model.close()
    blocking.disconnect()
    close()
  }
  return { seating, what: opened.what, answerMaxTokens: answers.maxTokens, ask, stop }
}

/** Opens the model that the settings name, or the embedded one. A name that ends with `.gguf` is a file, any other a served model. */
async function openModel(
  name: string | undefined,
): Promise<{ opened: OpenedModel; answers: { maxTokens: number; timeoutMs: number } }> {
  const named = name === undefined ? {} : { [name.endsWith('.gguf') ? 'MODEL_PATH' : 'VLLM_MODEL']: name }
  const loaded = loadConfig({ env: { ...process.env, ...named }, cwd: repositoryRoot })
  if (!loaded.ok)
    throw new MissingPrerequisite(loaded.problems.map(({ setting, problem }) => `${setting} ${problem}`).join('\n'))
  const { config } = loaded
  const opened = await openProvider({
    config,
    logger: silentLogger,
    step: () => undefined,
    onBackground: () => undefined,
  })
  if (opened.kind === 'missing') throw new MissingPrerequisite(opened.warning ?? opened.what)
  return { opened, answers: config.answers }
}
