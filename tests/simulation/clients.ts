import { chat } from '../../src/commands/aggregates/chat.ts'
import { ReportHardLimit } from '../../src/commands/budget/report-hard-limit.ts'
import { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import { CompleteAnswer } from '../../src/commands/chat/complete-answer.ts'
import { ProduceDraft } from '../../src/commands/chat/produce-draft.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { budgetStream } from '../../src/events/budget.ts'
import { chatStream } from '../../src/events/chat.ts'
import { dayOf } from '../../src/events/day.ts'
import { Uuid7, type StreamName } from '../../src/events/identifiers.ts'
import { councilScope } from '../../src/events/policy.ts'
import { adminSubject } from '../../src/events/token.ts'
import { isoTime } from '../../src/platform/clock.ts'
import { unrelatedCommand, commandFor, setUpCommands, randomCommand, nothingPromised } from './client-commands.ts'
import { createClient, isRetried, type Answer, type IssuedCommand, type Client, type Gates } from './client.ts'
import { bountyCommand, judge } from './bounties.ts'
import { startClocks } from './clock.ts'
import { act, governanceCommand } from './governance.ts'
import { tokenCommand } from './tokens.ts'
import type { World } from './world.ts'

/** The commands of the clients, the answers to reused command ids, and the number of clients that have not finished. */
export type ClientRun = {
  history: IssuedCommand[]
  answersToReuse: Answer[]
  left: () => number
  /** The token of each command that a process sent for the clock. */
  clockTokens: ReadonlyMap<string, number>
}

const clients = 4
const commandsEach = 8
const longestPauseMs = 1_500
/** How often the worker still looks for a job once it is alone. */
const lastLooks = 3
/** The workers: two may take the same job. */
const workers = 2
/** The share of the commands that govern the council, and of those of bounties and of tokens among the others. */
const governed = 0.1
const aboutBounties = 0.15
const aboutTokens = 0.05

/** Opens the accounts, then starts several clients and a worker. */
export function startClients(world: World): ClientRun {
  const { random, scheduler, newId } = world
  const history: IssuedCommand[] = []
  const answersToReuse: Answer[] = []
  const gates: Gates = {
    newId,
    history,
    tick: world.tick,
    some() {
      const found = world.gates[random.below(world.gates.length)]
      return found?.owner.alive ? found : undefined
    },
  }
  /** In some runs clients hardly pause, so that the appends of several gates overlap. */
  const longestThoughtMs = random.pick([50, longestPauseMs])
  const promised = nothingPromised()
  let left = clients + workers

  void (async () => {
    const setUpClient = createClient('set-up', scheduler, random, gates)
    for (const command of setUpCommands()) await setUpClient.insist(command)
    for (let n = 1; n <= clients; n++)
      void spend(createClient(n === 1 ? adminSubject : `client ${n}`, scheduler, random, gates)).finally(() => left--)
    for (let n = 1; n <= workers; n++)
      void work(createClient(`worker ${n}`, scheduler, random, gates)).finally(() => left--)
  })()
  const clockTokens = startClocks(world, gates, () => left === 0)
  return { history, answersToReuse, left: () => left, clockTokens }

  async function spend(client: Client): Promise<void> {
    for (let n = 0; n < commandsEach; n++) {
      await scheduler.step(client.owner, 'thinks', random.below(longestThoughtMs))
      const commandId = newId()
      for (const stream of ['chat/', 'election/', 'approval/', 'bounty/', 'account/bounty:', 'token/'])
        world.watch(`${stream}${commandId}` as StreamName)
      const command = random.happens(governed)
        ? governanceCommand(random, commandId, promised.approvals)
        : random.happens(aboutBounties)
          ? bountyCommand(random, commandId, scheduler.clock.nowMs(), promised.bounties)
          : random.happens(aboutTokens)
            ? tokenCommand(random, commandId, promised.tokens)
            : randomCommand(random, commandId, scheduler.clock.nowMs(), promised)
      const answer = await client.insist(command, commandId)
      // A command that had nothing to do leaves no event, so its id is free.
      const hasEvents = answer.result === 'appended' && answer.events.length > 0
      const isRemembered = hasEvents || (answer.result === 'refused' && command.recordsRefusals)
      if (isRemembered && random.happens(0.1)) answersToReuse.push(await client.reuseId(commandId, unrelatedCommand()))
    }
  }

  /** Takes jobs as a worker does, and abandons some of them halfway. */
  async function work(client: Client): Promise<void> {
    for (let alone = 0; alone < lastLooks; alone += left > workers ? 0 : 1) {
      await scheduler.step(client.owner, 'looks for a job', random.below(2 * longestPauseMs))
      const jobs = world.server.jobs()
      const job = jobs[random.below(jobs.length)]
      if (!job) continue
      if (job.kind === 'act') {
        await act(client, gates, job)
        continue
      }
      if (job.kind === 'judge') {
        await judge(client, gates, world, job)
        continue
      }
      const requestId = Uuid7.parse(job.stream.slice('chat/'.length))
      const attempt = await attemptOf(job.stream)
      if (attempt === undefined) continue
      const started = await client.insist(
        commandFor(StartAttempt, { requestId, attempt: attempt + 1, worker: 'worker' }),
      )
      if (started.result === 'refused' || random.happens(0.2)) continue
      await draft(client, requestId, attempt + 1)
      const ending = {
        requestId,
        attempt: attempt + 1,
        text: 'Because.',
        firstTokenMs: null,
        endedAtMs: scheduler.clock.nowMs(),
        job: job.entry,
      }
      await client.insist(commandFor(CompleteAnswer, { ...ending, finishReason: 'stop', reasons: [] }))
    }
  }

  /** Pays for a model call that writes a draft. */
  async function draft(client: Client, requestId: Uuid7, attempt: number): Promise<void> {
    const nowMs = scheduler.clock.nowMs()
    const callId = `${requestId}-${attempt}`
    const common = { requestId, attempt }
    const day = dayOf(isoTime(nowMs))
    const call = { callId, phase: 'draft', member: 'ada', model: 'simulated', amountMicros: 50 }
    const expiresAt = isoTime(nowMs + 3_600_000)
    // A worker whose call was refused; several may report the same limit.
    const refusal = { dailyMicros: 10_000_000, spentMicros: 0, reservedMicros: 9_999_990, amountMicros: 50 }
    if (random.happens(0.5)) await client.insist(commandFor(ReportHardLimit, { scope: councilScope, day, ...refusal }))
    const reserved = await client.insist(
      commandFor(ReserveBudget, {
        work: chatStream(requestId),
        attempt,
        scopes: [{ scope: councilScope, day }],
        calls: [call],
        expiresAt,
      }),
    )
    if (reserved.result !== 'appended' && reserved.result !== 'duplicate') return
    const settlement = {
      callId,
      budgets: [budgetStream('council', day)],
      outcome: 'completed' as const,
      usage: 'reported' as const,
      promptTokens: 9,
      completionTokens: 2,
      priceRef: 'simulated',
      costMicros: random.below(50),
    }
    await client.insist(commandFor(ProduceDraft, { ...common, member: 'ada', text: 'Because.', settlement }))
  }

  async function attemptOf(stream: StreamName): Promise<number | undefined> {
    const found = gates.some()
    const loaded = await Promise.race([found?.gate.load(chat, stream).catch(() => undefined), found?.owner.died])
    return loaded && loaded !== 'died' && loaded.state.status === 'open' ? loaded.state.attempt : undefined
  }
}

/** Whether the answer to a reused command id reports the reuse or asks the client to retry. */
export const isKnownAnswer = (answer: Answer): boolean =>
  isRetried(answer) ||
  (answer.result === 'rejected' &&
    (answer.code === 'command_id_reused' || answer.code === 'id_expired' || answer.code === 'malformed_command'))
