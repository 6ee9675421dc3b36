import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { printToken } from '../src/events/token-text.ts'
import { newUuid7 } from '../src/platform/ids.ts'
import { Uuid7 } from '../src/events/identifiers.ts'
import type { Asked } from './harness/answer-clients.ts'
import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { percentilesOf, type Percentiles } from './harness/closed-loop.ts'
import type { DashboardReply, DashboardRequest } from './harness/dashboard-process.ts'
import { startMeasured } from './harness/measured-process.ts'
import { watchProcesses } from './harness/process-usage.ts'
import { benchToken } from './harness/served-council.ts'
import { spread } from './harness/spread.ts'
import { startClients, startPacedModel, startStreamingCouncil } from './harness/streaming-council.ts'

/**
 * `npm run bench:dashboards`: what open dashboards with live figures cost the chat. The delay of the tokens of a few answers, in turns
 * without dashboards and with 500 of them, each with the topics of its page, of 50 people.
 */
const rounds = isQuick ? 2 : 9
const observeMs = isQuick ? 4_000 : 8_000
const dashboards = 500
const people = 50
const answers = 20
const asked: Asked = { tokens: 100, perSecond: 20, spread: true }
/** The council, as an operator runs it: each role in a process of its own. */
const roles = ['api', 'worker', 'projector']

/** Issues a token to a person. */
async function tokenOf(url: string, subject: string): Promise<string> {
  const tokenId = Uuid7.parse(newUuid7())
  const secret = randomBytes(32).toString('base64url')
  const answer = await fetch(`${url}/v1/commands/IssueToken`, {
    method: 'POST',
    headers: { authorization: `Bearer ${benchToken}`, 'content-type': 'application/json', 'idempotency-key': tokenId },
    body: JSON.stringify({
      subject,
      scopes: ['chat:send', 'chat:read', 'treasury:read'],
      label: 'bench',
      secretHash: createHash('sha256').update(secret).digest('hex'),
    }),
  })
  if (answer.status !== 200) throw new Error(`no token: ${await answer.text()}`)
  return printToken({ tokenId, secret })
}

type Round = {
  without: Percentiles
  with: Percentiles
  changesPerSecond: number
  cores: Record<string, number>
  faults: number
}

async function measure(dataFolder: string): Promise<Figures> {
  const model = await startPacedModel()
  const council = await startStreamingCouncil(dataFolder, roles, model.url, { answers: 100 })
  const clients = await startClients()
  const open = await startMeasured<DashboardRequest, DashboardReply>('harness/dashboard-process.ts', [])
  const [api, worker, projector] = council.processes
  if (!api || !worker || !projector) throw new Error('a process is missing')
  const watch = watchProcesses({ api: api.pid, worker: worker.pid, projector: projector.pid, dashboards: open.pid })
  const tokens = await Promise.all(Array.from({ length: people }, (_, n) => tokenOf(api.url, `user:${n}`)))

  let faults = 0
  /** The delay of tokens while a few answers stream. */
  async function delays(): Promise<Percentiles> {
    await clients.ask({ do: 'ask', of: { council: api?.url ?? '', token: benchToken }, asked })
    await clients.ask({ do: 'grow', to: answers, overMs: 2_000 })
    const { observed } = await clients.ask({ do: 'observe', ms: observeMs })
    const { outcome } = await clients.ask({ do: 'finish' })
    if (!observed || !outcome) throw new Error('nothing was observed')
    if (Object.keys(outcome.failures).length > 0)
      throw new Error(`the run is void: ${JSON.stringify(outcome.failures)}`)
    faults += outcome.faults
    return percentilesOf([{ latencies: observed.delays }])
  }

  async function round(): Promise<Round> {
    faults = 0
    const without = await delays()
    await open.ask({ do: 'open', url: api?.url ?? '', tokens, dashboards })
    await pause(1_000)
    await open.ask({ do: 'count' })
    const before = watch.mark()
    const startedAt = performance.now()
    const withDashboards = await delays()
    const { changes, errors, silent } = await open.ask({ do: 'count' })
    const seconds = (performance.now() - startedAt) / 1_000
    const cores = watch.coresSince(before)
    await open.ask({ do: 'close' })
    if (errors.length > 0 || silent > 0)
      throw new Error(`the run is void: ${silent} silent, ${errors.slice(0, 3).join()}`)
    const figures = { without, with: withDashboards, changesPerSecond: changes / seconds, cores, faults }
    console.log(
      `p99 ${without.p99.toFixed(1)} ms without, ${withDashboards.p99.toFixed(1)} ms with ${dashboards} dashboards (p50 ${without.p50.toFixed(1)}, ${withDashboards.p50.toFixed(1)}); ${Math.round(figures.changesPerSecond)} changes/s; cores: api ${cores.api.toFixed(2)}, dashboards ${cores.dashboards.toFixed(2)}`,
    )
    return figures
  }

  // Warms up compilers and caches. It is not recorded.
  await round()
  const measured: Round[] = []
  for (let n = 0; n < rounds; n++) measured.push(await round())
  await open.stop()
  await clients.stop()
  await council.stop()
  await model.stop()
  return {
    settings: { rounds, observeMs, dashboards, people, answers, asked, roles, ...council.settings },
    figures: { rounds: measured },
    ratios: {
      'p99 of a token with 500 dashboards over without': spread(measured.map((one) => one.with.p99 / one.without.p99)),
      'p50 of a token with 500 dashboards over without': spread(measured.map((one) => one.with.p50 / one.without.p50)),
      'changes per second': spread(measured.map(({ changesPerSecond }) => changesPerSecond)),
      'tokens lost or doubled': measured.reduce((sum, one) => sum + one.faults, 0),
    },
  }
}

await runBenchmark('dashboards', measure)
