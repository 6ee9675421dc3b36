import type { Figures } from './benchmark.ts'
import { isQuick } from './arguments.ts'
import { percentilesOf } from './closed-loop.ts'
import type { Answering } from './client-process.ts'
import type { PlainAnswers } from './plain-answers.ts'
import { benchToken } from './served-council.ts'
import { spread } from './spread.ts'
import { persona, startClients, startStreamingCouncil } from './streaming-council.ts'

const runs = isQuick ? 1 : 5
const levels = [1, 3] as const
const answersEach = isQuick ? 3 : 6
const maxTokens = 48
const maxReadMs = 600_000

type Measured = { council: PlainAnswers; direct: PlainAnswers }

/** Reads answers of a real vLLM server through the council and directly, in turns. */
export async function againstRealModel(dataFolder: string, url: string): Promise<Figures> {
  const model = await nameOfModel(url)
  const council = await startStreamingCouncil(dataFolder, ['api,worker,projector,archiver'], url, {
    answers: 8,
    settings: { ANSWER_MAX_TOKENS: String(maxTokens) },
  })
  const clients = await startClients()
  let asked = 0
  const read = async (of: Answering, atOnce: number): Promise<PlainAnswers> => {
    // No question comes twice, because the server keeps what it has computed for a prompt.
    const questions = Array.from({ length: answersEach }, () => `Tell a story about a ship with the number ${++asked}.`)
    const reply = await clients.ask({ do: 'read', of, questions, atOnce }, maxReadMs)
    if (!reply.read) throw new Error('nothing was read')
    return reply.read
  }
  const through: Answering = { council: council.processes[0]?.url ?? '', token: benchToken }
  const directly: Answering = { direct: { url, model, persona, maxTokens } }

  const recorded = new Map<number, Measured[]>(levels.map((level) => [level, []]))
  // Run 0 only warms up. It is not recorded. The two take turns at being first.
  for (let run = 0; run <= runs; run++)
    for (const level of levels) {
      const first = await read(run % 2 === 0 ? directly : through, level)
      const second = await read(run % 2 === 0 ? through : directly, level)
      if (run > 0)
        recorded
          .get(level)
          ?.push(run % 2 === 0 ? { direct: first, council: second } : { direct: second, council: first })
    }
  const { settings } = council
  await council.stop()
  await clients.stop()
  const all = [...recorded.values()].flat()
  return {
    settings: { runs, levels, answersEach, maxTokens, model, ...settings },
    figures: Object.fromEntries([...recorded].map(([level, measured]) => [`${level}`, figuresOf(level, measured)])),
    ratios: {
      'answers whose tokens do not add up': all.reduce(
        (sum, { council: ours, direct }) => sum + ours.broken + direct.broken,
        0,
      ),
      'milliseconds until the first token, through the council less directly': lessDirectly(
        recorded.get(1) ?? [],
        'firsts',
      ),
      'milliseconds between tokens, through the council less directly': lessDirectly(recorded.get(1) ?? [], 'gaps'),
    },
  }
}

async function nameOfModel(url: string): Promise<string> {
  const list = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] }
  const [first] = list.data
  if (!first) throw new Error(`${url} serves no model`)
  return first.id
}

/** The difference of the medians of each run. */
const lessDirectly = (measured: readonly Measured[], what: 'firsts' | 'gaps') =>
  spread(
    measured.map(
      ({ council, direct }) =>
        percentilesOf([{ latencies: council[what] }]).p50 - percentilesOf([{ latencies: direct[what] }]).p50,
    ),
  )

function figuresOf(level: number, measured: readonly Measured[]) {
  const of = (who: 'council' | 'direct') => {
    const over = (what: 'firsts' | 'gaps') => percentilesOf(measured.map((one) => ({ latencies: one[who][what] })))
    const sum = (what: 'answers' | 'pieces') => measured.reduce((total, one) => total + one[who][what], 0)
    return { firstTokenMs: over('firsts'), gapMs: over('gaps'), answers: sum('answers'), pieces: sum('pieces') }
  }
  const figures = { council: of('council'), direct: of('direct') }
  for (const [who, { firstTokenMs, gapMs }] of Object.entries(figures))
    console.log(
      `${level} at once, ${who}: first token ${firstTokenMs.p50.toFixed(0)} ms (p99 ${firstTokenMs.p99.toFixed(0)}), between tokens ${gapMs.p50.toFixed(1)} ms (p99 ${gapMs.p99.toFixed(1)})`,
    )
  return figures
}
