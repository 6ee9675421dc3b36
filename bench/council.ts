import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { build } from 'hdr-histogram-js'
import { createJudges } from '../src/agents/council/judge-work.ts'
import { createOrchestrator } from '../src/agents/council/orchestrator.ts'
import { parseSeating } from '../src/agents/council/seating.ts'
import { parsePrices } from '../src/agents/models/prices.ts'
import { previewWriter, readTokens, tokenWriter } from '../src/agents/tokens/token-stream.ts'
import { startWorker } from '../src/agents/worker/worker.ts'
import { SubmitPrompt } from '../src/commands/chat/submit-prompt.ts'
import { chatStream } from '../src/events/chat.ts'
import type { Uuid7 } from '../src/events/identifiers.ts'
import { startTail } from '../src/events/log/read/tail.ts'
import { systemClock } from '../src/platform/clock.ts'
import { silentLogger } from '../src/platform/logger.ts'
import { connectRedis } from '../src/platform/redis/connection.ts'
import { isQuick } from './harness/arguments.ts'
import { fullContext, newId, openBenchCouncil, type BenchCouncil } from './harness/bench-council.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { instantModel } from './harness/instant-model.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { spread } from './harness/spread.ts'

/**
 * `npm run bench:council`: the council's own time on the critical path of a full deliberation, from the acknowledged prompt to the
 * recorded answer, with a model that answers at once; and the events, appends and bytes of a deliberation.
 */
const deliberations = isQuick ? 20 : 200
const warmUp = 10

async function measure(dataFolder: string): Promise<Figures> {
  const redis = await startRedis(join(dataFolder, 'redis'))
  const council = await openBenchCouncil(redis.url, 'bench')
  const { tail, stop } = await startCouncil(council, redis.url)
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 })
  const times: number[] = []
  for (let run = 0; run < warmUp; run++) await deliberate(council, tail)
  const before = await footprint(council)
  for (let run = 0; run < deliberations; run++) {
    const ms = await deliberate(council, tail)
    times.push(ms)
    histogram.recordValue(Math.round(ms * 1000))
  }
  const after = await footprint(council)
  await stop()
  council.close()
  await redis.kill()

  const each = (name: keyof typeof after): number => (after[name] - before[name]) / deliberations
  const figures = {
    milliseconds: {
      ...spread(times),
      p50: histogram.getValueAtPercentile(50) / 1000,
      p99: histogram.getValueAtPercentile(99) / 1000,
    },
    perDeliberation: { events: each('events'), appends: each('appends'), bytes: each('bytes') },
  }
  console.log(JSON.stringify(figures))
  return {
    settings: { deliberations, members: 3, critique: true, redis: redisSettings },
    figures,
    ratios: { 'own milliseconds on the critical path': spread(times) },
  }
}

type Tail = ReturnType<typeof startTail>

/** Submits a prompt and waits for its answer; resolves with the milliseconds between the two acknowledgements. */
async function deliberate({ gate }: BenchCouncil, tail: Tail): Promise<number> {
  const requestId = newId()
  const ended = Promise.withResolvers<number>()
  const stopListening = tail.listen(chatStream(requestId), ({ type }) => {
    if (type === 'AnswerCompleted') ended.resolve(performance.now())
    else if (type === 'AnswerFailed') ended.reject(new Error('the run is void: an answer failed'))
  })
  const text = 'What is the capital of France?'
  await gate.execute(SubmitPrompt, { requestId, text, path: 'full' }, fullContext(requestId))
  const submittedAt = performance.now()
  const endedAt = await ended.promise
  stopListening()
  return endedAt - submittedAt
}

/** A worker with an instant model, composed as in production. */
async function startCouncil({ log, gate, redis }: BenchCouncil, url: string) {
  const tail = startTail(log, await log.head())
  const agent = {
    gate,
    seating: parseSeating(JSON.parse(readFileSync('config/council.json', 'utf8'))),
    modelOf: () => instantModel,
    preview: (run: { requestId: Uuid7; attempt: number }, member: string, text: string) =>
      void previewWriter(redis, 'bench')(run.requestId, run.attempt, member, text),
    // The cheapest rates there are: the budget of the day must last for the whole benchmark.
    prices: parsePrices({ default: { name: 'bench', promptMicrosPer1000: 1, completionMicrosPer1000: 1 }, prices: [] }),
    writeTokens: tokenWriter(redis, 'bench'),
    clock: systemClock,
    newId,
    pause: (ms: number) => pause(ms),
    answerMaxTokens: 512,
    answerTimeoutMs: 60_000,
    earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
  }
  const blocking = connectRedis({ url, role: 'blocking', name: 'bench-jobs', logger: silentLogger })
  const worker = startWorker(
    {
      ...agent,
      log,
      tail,
      jobs: await log.openJobs(blocking, 'bench', 5_000),
      logger: silentLogger,
      orchestrate: createOrchestrator(agent),
      judgeWork: createJudges(agent),
      readTokens: (requestId) => readTokens(redis, 'bench', requestId, '0-0'),
    },
    { name: 'bench', concurrency: 4, leaseMs: 5_000 },
  )
  return {
    tail,
    stop: async () => {
      await worker.stop()
      await tail.stop()
    },
  }
}

/** The size of the log so far. An append is one call of the append script. */
async function footprint({ redis, keys }: BenchCouncil) {
  const info = await redis.info('everything')
  const field = (pattern: RegExp): number => Number(pattern.exec(info)?.[1] ?? Number.NaN)
  return {
    events: await redis.xlen(keys.log),
    appends: field(/cmdstat_evalsha:calls=(\d+)/) + (field(/cmdstat_eval:calls=(\d+)/) || 0),
    bytes: field(/aof_current_size:(\d+)/),
  }
}

await runBenchmark('council', measure)
