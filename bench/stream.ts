import { isQuick, option } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { percentilesOf, type Percentiles } from './harness/closed-loop.ts'
import type { Outcome, Observed } from './harness/answer-clients.ts'
import type { Answering } from './harness/client-process.ts'
import type { EchoReply } from './harness/echo-process.ts'
import { startMeasured } from './harness/measured-process.ts'
import { againstRealModel } from './harness/real-model.ts'
import { benchToken } from './harness/served-council.ts'
import { ratioOf, spread } from './harness/spread.ts'
import {
  maxTokens,
  persona,
  startClients,
  startPacedModel,
  startStreamingCouncil,
  type Clients,
} from './harness/streaming-council.ts'

/**
 * `npm run bench:stream`: what the council adds to the time of a token on its way from the model server to the client's socket, and to
 * the time until the first token. The peer is a client that reads the model server directly; the limit is an echo of the same frame
 * over the same WebSocket stack, with one round trip to Redis. The same answers over `/v1/chat/completions` show what that route adds. `-- --vllm <url>` compares with a real vLLM instead, whose send times are
 * unknown: the time to the first token, and between tokens.
 */
const runs = isQuick ? 2 : 5
const durationMs = isQuick ? 2_000 : 3_000
const levels = [1, 8, 64] as const
/** The goals are judged with this many answers at once. */
const judged = 8
const perSecond = 20
const answerTokens = 20

/** One level in one run. Percentiles in milliseconds. */
type Measured = { council: Observed; openAi: Observed; direct: Observed; limit: string }

async function measure(dataFolder: string): Promise<Figures> {
  const model = await startPacedModel()
  const { url } = model
  const council = await startStreamingCouncil(dataFolder, ['api,worker,projector,archiver'], url, { answers: 256 })
  const echo = await startMeasured<object, EchoReply>('harness/echo-process.ts', [council.ephemeral.url])
  const echoUrl = (await echo.ask({})).url
  const clients = await startClients()
  const api = council.processes[0]?.url ?? ''

  const recorded = new Map<number, Measured[]>(levels.map((level) => [level, []]))
  // Run 0 only warms up compilers and caches. It is not recorded.
  for (let run = 0; run <= runs; run++)
    for (const level of levels) {
      const measured = {
        direct: await answersOf(clients, { direct: { url, model: 'smollm2', persona, maxTokens } }, level),
        council: await answersOf(clients, { council: api, token: benchToken }, level),
        openAi: await answersOf(clients, { council: api, token: benchToken, over: 'openai' }, level),
        limit: await echoesOf(clients, echoUrl, level),
      }
      if (run > 0) recorded.get(level)?.push(measured)
    }
  const { settings } = council
  await council.stop()
  for (const child of [clients, echo, model]) await child.stop()
  return {
    settings: { runs, durationMs, levels, judged, perSecond, answerTokens, frame: frameOf(), ...settings },
    figures: figuresOf(recorded),
    ratios: ratiosOf(recorded.get(judged) ?? []),
  }
}

/** `level` clients that ask for one answer after the other. Throws unless every token came exactly once and in order. */
async function answersOf(clients: Clients, of: Answering, level: number): Promise<Observed> {
  await clients.ask({ do: 'ask', of, asked: { tokens: answerTokens, perSecond, spread: false } })
  const observing = async (): Promise<Observed> => {
    // The answers of the clients start at different times.
    await clients.ask({ do: 'grow', to: level, overMs: 1000 })
    const { observed } = await clients.ask({ do: 'observe', ms: durationMs })
    if (!observed) throw new Error('nothing was observed')
    return observed
  }
  const observed = await observing()
  const { outcome } = await clients.ask({ do: 'finish' })
  if (outcome) assertWhole(outcome)
  return observed
}

function assertWhole({ answers, tokens, faults, failures }: Outcome): void {
  if (faults === 0 && Object.keys(failures).length === 0 && tokens === answers * answerTokens) return
  throw new Error(
    `the run is void: ${answers} answers with ${tokens} tokens, ${faults} lost or out of place, ${JSON.stringify(failures)}`,
  )
}

/** A frame like that of one token. */
const frameOf = (): string =>
  JSON.stringify({
    type: 'token',
    text: ' zz.19@abcdefgh',
    requestId: '019ab5c0-0000-7000-8000-000000000000',
    id: '1764131234567-0~1234',
  })

async function echoesOf(clients: Clients, url: string, sockets: number): Promise<string> {
  const { echoes } = await clients.ask({ do: 'echo', url, sockets, perSecond, ms: durationMs, frame: frameOf() })
  if (echoes === undefined) throw new Error('nothing was echoed')
  return echoes
}

const percentiles = (latencies: string): Percentiles => percentilesOf([{ latencies }])

/** Milliseconds in each run: the time of a token through the council, less the median of the same read directly. */
function addedOf(measured: readonly Measured[]) {
  const each = measured.map(({ council, direct, limit }) => {
    const through = percentiles(council.delays)
    const without = percentiles(direct.delays).p50
    return {
      p50: through.p50 - without,
      p99: through.p99 - without,
      first: percentiles(council.firsts).p50 - percentiles(direct.firsts).p50,
      limit: percentiles(limit),
    }
  })
  return {
    p50: each.map(({ p50 }) => p50),
    p99: each.map(({ p99 }) => p99),
    first: each.map(({ first }) => first),
    limitP50: each.map(({ limit }) => limit.p50),
    limitP99: each.map(({ limit }) => limit.p99),
  }
}

/** Milliseconds in each run: what the OpenAI-compatible route takes more than the socket, at the median. */
const openAiAddedOf = (measured: readonly Measured[]) => ({
  token: measured.map(({ openAi, council }) => percentiles(openAi.delays).p50 - percentiles(council.delays).p50),
  first: measured.map(({ openAi, council }) => percentiles(openAi.firsts).p50 - percentiles(council.firsts).p50),
})

function figuresOf(recorded: ReadonlyMap<number, readonly Measured[]>): Figures['figures'] {
  const ofLevel = (measured: readonly Measured[]) => {
    const added = addedOf(measured)
    const openAi = openAiAddedOf(measured)
    const over = (latencies: (one: Measured) => string): Percentiles =>
      percentilesOf(measured.map((one) => ({ latencies: latencies(one) })))
    return {
      addedMs: { p50: spread(added.p50), p99: spread(added.p99) },
      firstTokenAddedMs: spread(added.first),
      limitMs: { p50: spread(added.limitP50), p99: spread(added.limitP99) },
      ratios: {
        p50: ratioOf(added.p50, added.limitP50),
        p99: ratioOf(added.p99, added.limitP99),
        first: ratioOf(added.first, added.limitP50),
      },
      openAiOverSocketMs: { token: spread(openAi.token), first: spread(openAi.first) },
      openAiMs: over(({ openAi: { delays } }) => delays),
      openAiFirstMs: over(({ openAi: { firsts } }) => firsts),
      councilMs: over(({ council }) => council.delays),
      directMs: over(({ direct }) => direct.delays),
      councilFirstMs: over(({ council }) => council.firsts),
      directFirstMs: over(({ direct }) => direct.firsts),
      echoMs: over(({ limit }) => limit),
      tokensPerSecond: spread(measured.map(({ council }) => council.tokens / council.seconds)),
      answers: measured.reduce((sum, { council }) => sum + council.answers, 0),
    }
  }
  const figures = Object.fromEntries([...recorded].map(([level, measured]) => [`${level}`, ofLevel(measured)]))
  for (const [level, { addedMs, firstTokenAddedMs, limitMs, openAiOverSocketMs }] of Object.entries(figures))
    console.log(
      `${level} at once: a token takes ${ms(addedMs.p50.median)} more (p99 ${ms(addedMs.p99.median)}), the first ${ms(firstTokenAddedMs.median)} more; an echo and a round trip ${ms(limitMs.p50.median)} (p99 ${ms(limitMs.p99.median)}); over /v1/chat/completions ${ms(openAiOverSocketMs.token.median)} more, the first ${ms(openAiOverSocketMs.first.median)} more`,
    )
  return figures
}

const ms = (value: number): string => `${value.toFixed(2)} ms`

function ratiosOf(measured: readonly Measured[]): Figures['ratios'] {
  const { p50, p99, first, limitP50, limitP99 } = addedOf(measured)
  return {
    'added time per token over an echo and a Redis round trip, p50': ratioOf(p50, limitP50),
    'added time per token over an echo and a Redis round trip, p99': ratioOf(p99, limitP99),
    'first token over an echo and a Redis round trip': ratioOf(first, limitP50),
    'added milliseconds per token, p50': spread(p50),
    'added milliseconds per token, p99': spread(p99),
    'added milliseconds until the first token': spread(first),
  }
}

const vllmUrl = option('--vllm')
await (vllmUrl === undefined
  ? runBenchmark('stream', measure)
  : runBenchmark('stream-vllm', (dataFolder) => againstRealModel(dataFolder, vllmUrl)))
