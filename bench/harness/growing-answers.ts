import type { Asked, Outcome } from './answer-clients.ts'
import { percentilesOf, type Percentiles } from './closed-loop.ts'
import { isOwn, processNames, type FanOutCouncil, type ProcessName } from './fan-out-council.ts'
import { benchToken } from './served-council.ts'
import { spread, type Spread } from './spread.ts'
import { stagesOf } from './stages.ts'

/** One number of answers at once. `cores`: the share of a core that each process used. */
export type Level = {
  answers: number
  delayMs: Percentiles
  firstTokenMs: Percentiles
  /** Of sampled tokens: from the model to the token stream, and from there to the client. */
  stageMs: { toRedis: Spread; toClient: Spread }
  tokensPerSecond: number
  /** Of the tokens that the model should have sent. */
  share: number
  failed: number
  cores: Record<ProcessName, number>
}

export type Growth = Omit<Outcome, 'answers' | 'tokens'> & {
  /** The most answers at once at which tokens were in time, and none failed. */
  answers: number
  levels: Level[]
  /** CPU microseconds per token at that level, or at the first if tokens were never in time: of the council and its servers, and of the clients and the model. */
  own: number
  others: number
}

type GrowthSettings = { step: number; most: number; growMs: number; observeMs: number }

/** The model must keep its rate; a lower share means that the load was not the one that was asked for. */
const leastShare = 0.95
/** Overloaded answers take longer than they should. */
const maxEndMs = 300_000

/** Adds answers step by step until tokens are late, an answer fails, or the model no longer keeps its rate. Then lets all end, and checks every token. */
export async function growUntilLate(
  { clients, url, watch, ephemeralUrl }: FanOutCouncil,
  { step, most, growMs, observeMs }: GrowthSettings,
  asked: Asked,
  lateMs: number,
): Promise<Growth> {
  const isInTime = ({ delayMs, share, failed }: Level): boolean =>
    delayMs.p99 <= lateMs && share >= leastShare && failed === 0
  await clients.ask({ do: 'ask', of: { council: url, token: benchToken }, asked })
  const levels: Level[] = []
  for (let answers = step; answers <= most; answers += step) {
    await clients.ask({ do: 'grow', to: answers, overMs: growMs })
    const before = watch.mark()
    const { observed } = await clients.ask({ do: 'observe', ms: observeMs })
    if (!observed) throw new Error('nothing was observed')
    const cores = watch.coresSince(before)
    const stages = await stagesOf(ephemeralUrl, observed.sampled)
    const tokensPerSecond = observed.tokens / observed.seconds
    const level = {
      answers,
      delayMs: percentilesOf([{ latencies: observed.delays }]),
      firstTokenMs: percentilesOf([{ latencies: observed.firsts }]),
      tokensPerSecond,
      share: tokensPerSecond / (answers * asked.perSecond),
      failed: observed.failed,
      cores,
      stageMs: { toRedis: spread(stages.toRedis), toClient: spread(stages.toClient) },
    }
    levels.push(level)
    console.log(inWords(level))
    if (!isInTime(level)) break
  }
  const { outcome } = await clients.ask({ do: 'finish' }, maxEndMs)
  if (!outcome) throw new Error('nothing has ended')
  const { faults, failures } = outcome
  if (Object.keys(failures).length > 0) console.log(`failed: ${JSON.stringify(failures)}`)
  const inTime = levels.filter(isInTime).at(-1)
  const measured = inTime ?? levels[0]
  const micros = (isCounted: (name: ProcessName) => boolean): number =>
    measured
      ? (processNames.filter(isCounted).reduce((sum, name) => sum + measured.cores[name], 0) * 1e6) /
        measured.tokensPerSecond
      : Number.NaN
  return {
    answers: inTime?.answers ?? 0,
    levels,
    faults,
    failures,
    own: micros(isOwn),
    others: micros((name) => !isOwn(name)),
  }
}

const inWords = ({ answers, delayMs, stageMs, tokensPerSecond, share, cores }: Level): string =>
  `${answers} answers: p50 ${delayMs.p50.toFixed(1)} ms, p99 ${delayMs.p99.toFixed(1)} ms (to Redis ${stageMs.toRedis.median.toFixed(1)}, to the client ${stageMs.toClient.median.toFixed(1)}), ${Math.round(tokensPerSecond)} tokens/s (${Math.round(share * 100)} %); cores: ${processNames.map((name) => `${name} ${cores[name].toFixed(2)}`).join(', ')}`
