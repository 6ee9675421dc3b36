import { createJudges } from '../../src/agents/council/judge-work.ts'
import { createOrchestrator } from '../../src/agents/council/orchestrator.ts'
import type { ModelClient } from '../../src/agents/models/model.ts'
import { parsePrices } from '../../src/agents/models/prices.ts'
import type { HeldJob, WorkerDependencies } from '../../src/agents/worker/held-job.ts'
import { judgeJob } from '../../src/agents/worker/judge-job.ts'
import { bounty } from '../../src/commands/aggregates/bounty.ts'
import { AdvanceBounty } from '../../src/commands/bounty/advance-bounty.ts'
import { ClaimBounty } from '../../src/commands/bounty/claim-bounty.ts'
import { OpenBounty } from '../../src/commands/bounty/open-bounty.ts'
import { SubmitBountyWork } from '../../src/commands/bounty/submit-bounty-work.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { createGate } from '../../src/commands/gate/gate.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { bountyStream, BountyWorker } from '../../src/events/bounty.ts'
import { AccountId, Principal, type StreamName } from '../../src/events/identifiers.ts'
import type { Job, JobQueue } from '../../src/events/log/jobs/job-queue.ts'
import type { LogTail } from '../../src/events/log/read/tail.ts'
import { isoTime } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { newId } from './council.ts'
import { memoryServer } from './memory-log/memory-log.ts'
import { councilOf } from './seating.ts'

const unused = () => Promise.reject(new Error('a judging does not use it'))
const unusedQueue: JobQueue = {
  takeNew: unused,
  takeAbandoned: unused,
  renew: unused,
  remake: unused,
  giveBack: unused,
  drop: unused,
  close: () => undefined,
}

/** $10 in the reserve, in micro-dollars. */
const reserveMicros = 10_000_000
const offer = { rewardMicros: 700, bonusMicros: 300 }
export const work = 'Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune.'

/** Submitted work on a log in memory with a clock of its own, and a worker that judges it. */
export async function submittedWork({
  model,
  worker = 'agent:ada',
  openedBy = 'anna',
  task = 'List the planets.',
  council = {},
}: {
  model: ModelClient
  worker?: string
  openedBy?: string
  task?: string
  council?: object
}) {
  let nowMs = Date.now()
  const clock = { nowMs: () => nowMs }
  const server = memoryServer(clock)
  const log = server.open()
  const gate = createGate({ log, clock, newId, pause: () => Promise.resolve(), logger: silentLogger })
  const bountyId = newId()
  const stream = bountyStream(bountyId)
  const executeAs = async <C, Reads extends ReadSet>(
    principal: string,
    definition: CommandDefinition<C, Reads>,
    input: NoInfer<C>,
  ) => {
    const result = await gate.execute(definition, input, { commandId: newId(), principal: Principal.parse(principal) })
    await tell()
    return result
  }
  const execute = <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: NoInfer<C>) =>
    executeAs('anna', definition, input)

  /** A tail that has read the log after every command of the test. */
  const listeners = new Map<StreamName, Set<(event: AnyRecordedEvent) => void>>()
  let told = 0
  const tell = async (): Promise<void> => {
    for (const event of (await events()).slice(told)) {
      told++
      for (const listener of listeners.get(event.stream) ?? []) listener(event)
    }
  }
  const tail: Pick<LogTail, 'listen'> = {
    listen(of, listener) {
      const ofStream = listeners.get(of) ?? new Set()
      listeners.set(of, ofStream.add(listener))
      return () => void ofStream.delete(listener)
    },
  }

  async function events(type?: RegExp): Promise<AnyRecordedEvent[]> {
    const all: AnyRecordedEvent[] = []
    for await (const page of log.read()) all.push(...page)
    return type ? all.filter((event) => type.test(event.type)) : all
  }

  const account = (name: string) => AccountId.parse(name)
  for (const name of ['external', 'reserve', 'agent:ada', 'agent:sceptic'])
    await execute(OpenAccount, { account: account(name) })
  const seed = { transferId: 'seed', from: account('external'), to: account('reserve'), reason: 'seed' }
  await execute(TransferFunds, { ...seed, amountMicros: reserveMicros })
  const text = { title: 'Planets', task, criteria: 'All eight, in order.' }
  const deadline = isoTime(nowMs + 7_200_000)
  await executeAs(openedBy, OpenBounty, { bountyId, ...text, ...offer, deadline, claimSeconds: 3_600 })
  await execute(ClaimBounty, { bountyId, worker: BountyWorker.parse(worker) })
  await execute(SubmitBountyWork, { bountyId, work })

  const rates = { promptMicrosPer1000: 100, completionMicrosPer1000: 100 }
  const agent = {
    gate,
    ...councilOf(model, council),
    prices: parsePrices({ default: { name: 'test', ...rates }, prices: [] }),
    writeTokens: () => Promise.resolve('written' as const),
    clock,
    newId,
    pause: () => Promise.resolve(),
    answerMaxTokens: 100,
    answerTimeoutMs: 60_000,
    earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
  }
  const dropped: Job[] = []
  const dependencies: WorkerDependencies = {
    ...agent,
    orchestrate: createOrchestrator(agent),
    judgeWork: createJudges(agent),
    readTokens: () => Promise.reject(new Error('no answer is read')),
    log,
    tail,
    logger: silentLogger,
    jobs: { ...unusedQueue, drop: (job) => Promise.resolve(void dropped.push(job)) },
  }

  /** Takes the job, as the next worker. */
  function take() {
    const [job] = server.jobs()
    if (!job) throw new Error('there is no job')
    const abort = new AbortController()
    const leaving = new AbortController().signal
    const held: HeldJob = { job, runner: judgeJob, attempt: null, abort, leaving }
    const run = () => judgeJob.run(dependencies, 'worker', held)
    return { held, run, ended: run() }
  }

  return {
    bountyId,
    stream,
    execute,
    executeAs,
    events,
    dropped,
    take,
    newestAttempt: () => judgeJob.newestAttempt(gate, stream),
    /** Takes the job and runs it to its end. */
    judge: () => take().ended,
    jobs: () => server.jobs().length,
    later: (ms: number) => void (nowMs += ms),
    advance: (by?: string) =>
      execute(AdvanceBounty, { bountyId, ...(by !== undefined && { worker: BountyWorker.parse(by) }) }),
    state: async () => (await gate.load(bounty, stream)).state,
    /** The events of the bounty itself, without its model calls. */
    story: async () =>
      (await events()).filter((event) => event.stream === stream && !event.type.startsWith('ModelCall')),
    balance: async (name: string) =>
      (await events())
        .filter((event) => event.stream === `account/${name}`)
        .reduce((sum, { type, data }) => {
          const { amountMicros = 0 } = data as { amountMicros?: number }
          return sum + (type === 'AccountCredited' ? amountMicros : type === 'AccountDebited' ? -amountMicros : 0)
        }, 0),
  }
}
