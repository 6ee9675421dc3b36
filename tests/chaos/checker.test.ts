import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { CommandGate } from '../../src/commands/gate/gate.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { Principal, type Position } from '../../src/events/identifiers.ts'
import { chainStart, extendChain } from '../../src/events/log/archive/chain.ts'
import type { StoredEvent } from '../../src/events/log/read/stored-event.ts'
import { readModels } from '../../src/projections/read-models.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeTreasury } from '../../src/commands/treasury/unfreeze-treasury.ts'
import { judgedBounty, openedBounty } from '../support/bounty-run.ts'
import { answeredByCouncil } from '../support/deliberation.ts'
import { id } from '../support/treasury.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { identityOf, storedLogOf } from '../support/stored-log.ts'
import { check } from './checks/checker.ts'
import { foldedReadModels } from './checks/folds.ts'
import { collectEvidence, type Evidence } from './harness/evidence.ts'
import { readHistory, recorded, type Call } from './harness/history.ts'
import { setUpCommands, mixedLoad } from './harness/load.ts'
import { seeded } from './harness/random.ts'

type Story = { calls: Call[]; evidence: Evidence }

/** A council under load without a fault. Its clients send no prompts, because it has no workers; one prompt is answered step by step. */
let story: Story
beforeAll(async () => {
  const council = await openTestCouncil(redisUrl, freshCouncilId())
  const historyFile = join(await mkdtemp(join(tmpdir(), 'chaos-')), 'history.jsonl')
  const gate = recorded(council.gate, historyFile, 'gate')
  for (const command of setUpCommands()) await command.execute(gate, Principal.parse('owner'))
  const next = mixedLoad(seeded(5), Date.now)
  for (let executed = 0; executed < 300;) {
    const command = next()
    if (command.name.endsWith('Prompt') || command.name === 'SubmitBountyWork') continue
    await command.execute(gate, Principal.parse('client'))
    executed++
  }
  const asked = { ...council, gate, execute: executeOn(gate) }
  await answeredByCouncil(asked, { analyst: ['B', 'C'], sceptic: null, pragmatist: ['B', 'A'] })
  await asked.execute(UnfreezeTreasury, { reason: 'load' })
  await asked.execute(OpenAccount, { account: id('agent:ada') })
  const bountyId = await openedBounty(asked)
  await asked.execute(TransferFunds, {
    transferId: 'gift',
    from: id('reserve'),
    to: id(`bounty:${bountyId}`),
    amountMicros: 5,
    reason: 'gift',
  })
  await judgedBounty(asked, bountyId, 'reward', '1-2')
  const hot = (await Array.fromAsync(storedLogOf(council, redisUrl).readStored())).flat()
  const identity = await identityOf(council)
  let head = chainStart(identity)
  const archived = hot.map((event) => ({ ...event, chainHead: (head = extendChain(head, event)).toString('hex') }))
  const evidence = await collectEvidence(council, { archived: { identity, hot, archived }, readModels: new Map() })
  council.close()
  const calls = readHistory([historyFile])
  story = { calls, evidence: { ...evidence, readModels: foldedReadModels(evidence.events) } }
})

const executeOn =
  (gate: CommandGate): TestCouncil['execute'] =>
  (definition, input, commandId = newId()) =>
    gate.execute(definition, input, { commandId, principal: Principal.parse('worker') })

const copy = (): Story => structuredClone(story)
const kindsOf = ({ calls, evidence }: Story): string[] => [...new Set(check(calls, evidence).map(({ kind }) => kind))]

/** The last successful call of a command, and its events. */
function appended({ calls, evidence }: Story, command: string): { call: Call; events: AnyRecordedEvent[] } {
  const call = calls.findLast((candidate) => candidate.command === command && candidate.outcome.kind === 'ok')
  if (!call) throw new Error(`this story has no successful ${command}`)
  return { call, events: evidence.events.filter(({ metadata }) => metadata.commandId === call.commandId) }
}

/** The story with other evidence. */
const withEvidence = ({ calls, evidence }: Story, changed: Partial<Evidence>): Story => ({
  calls,
  evidence: { ...evidence, ...changed },
})
const without = (planted: Story, gone: readonly AnyRecordedEvent[]): Story =>
  withEvidence(planted, { events: planted.evidence.events.filter((event) => !gone.includes(event)) })
/** The story with these events once more, at the end of the log. */
const repeated = (planted: Story, events: readonly AnyRecordedEvent[]): Story => {
  const again = events.map((event, index) => ({ ...event, position: `999999999999999-${index}` as Position }))
  return withEvidence(planted, { events: [...planted.evidence.events, ...again] })
}

test('finds no violation in a story without a fault', () => {
  expect(check(story.calls, story.evidence)).toEqual([])
  const kinds = new Set(story.calls.map(({ outcome }) => outcome.kind))
  expect([...kinds].sort()).toEqual(['ok', 'refused', 'rejected'])
  expect(new Set(story.evidence.events.map(({ type }) => type)).size).toBeGreaterThan(8)
})

describe('the checker finds', () => {
  test('a write that was lost', () => {
    const planted = copy()
    expect(kindsOf(without(planted, appended(planted, 'TransferFunds').events))).toContain('lost write')
  })

  test('a write that was done twice', () => {
    const planted = copy()
    expect(kindsOf(repeated(planted, appended(planted, 'TransferFunds').events))).toContain('doubled write')
  })

  test('a write with an unknown outcome that was done twice', () => {
    const planted = copy()
    const { call, events } = appended(planted, 'ReserveFunds')
    call.outcome = { kind: 'unknown', why: 'planted' }
    expect(kindsOf(planted)).toEqual([])
    expect(kindsOf(repeated(planted, events))).toContain('doubled write')
  })

  test('half a transfer, also with an unknown outcome', () => {
    const planted = copy()
    const { call, events } = appended(planted, 'TransferFunds')
    call.outcome = { kind: 'unknown', why: 'planted' }
    expect(kindsOf(without(planted, events.slice(1)))).toContain('half-written')
  })

  test('an order that contradicts the observations of callers', () => {
    const planted = copy()
    const { call } = appended(planted, 'TransferFunds')
    const first = planted.calls.find(({ outcome }) => outcome.kind === 'ok')
    if (first) Object.assign(call, { invokedAtUs: first.invokedAtUs - 20, answeredAtUs: first.invokedAtUs - 10 })
    expect(kindsOf(planted)).toEqual(['reordered'])
  })

  test('a command that was refused or rejected, but has events', () => {
    for (const outcome of [
      { kind: 'refused', code: 'insufficient_funds' },
      { kind: 'rejected', code: 'log_unavailable' },
    ] as const) {
      const planted = copy()
      appended(planted, 'TransferFunds').call.outcome = outcome
      expect(kindsOf(planted)).toEqual(['refused but present'])
    }
  })

  test('a refusal without its event', () => {
    const planted = copy()
    const refusal = planted.evidence.events.findLast(({ type }) => type === 'CommandRefused')
    expect(kindsOf(without(planted, refusal ? [refusal] : []))).toContain('lost refusal')
  })

  test('a command whose events have another revision than its caller was told', () => {
    const planted = copy()
    const { outcome } = appended(planted, 'TransferFunds').call
    if (outcome.kind === 'ok') for (const event of outcome.events) event.revision++
    expect(kindsOf(planted)).toEqual(['not where it was promised'])
  })

  test('an overdrawn account, and a log whose sum is not zero', () => {
    const planted = copy()
    for (const { type, data } of appended(planted, 'TransferFunds').events)
      Object.assign(data as object, { amountMicros: type === 'AccountDebited' ? 10 ** 12 : 1 })
    expect(kindsOf(planted)).toEqual(expect.arrayContaining(['half-written', 'ledger']))
  })

  test('money that moves while its account is frozen', () => {
    const planted = copy()
    const [debit] = appended(planted, 'TransferFunds').events
    const freeze = planted.evidence.events.find(({ type }) => type === 'AccountFrozen')
    if (!debit || !freeze) throw new Error('this story has no freeze')
    const frozen: AnyRecordedEvent = { ...freeze, stream: debit.stream }
    const events = planted.evidence.events.flatMap((event) => (event === debit ? [frozen, event] : [event]))
    expect(kindsOf(withEvidence(planted, { events }))).toContain('moved while frozen')
  })

  test('an event without a command, a wrong state and a forgotten command', () => {
    const forged = copy()
    const { call } = appended(forged, 'TransferFunds')
    expect(kindsOf({ ...forged, calls: forged.calls.filter((other) => other !== call) })).toEqual(['unasked event'])

    const stale = copy()
    const account = stale.evidence.states.find((state) => state.status === 'live' && state.stream === 'account/reserve')
    if (account?.status === 'live') account.state = account.state.replace('"balanceMicros":', '"balanceMicros":1')
    expect(kindsOf(stale)).toEqual(['state'])

    const forgetful = copy()
    Object.assign(forgetful.evidence.remembered[0] ?? {}, { known: null })
    expect(kindsOf(forgetful)).toEqual(['forgotten command'])
  })

  test.each(readModels.flatMap(({ tables }) => tables))('a wrong, a missing and an unexpected row in %s', (table) => {
    const rowsOf = ({ evidence }: Story) => evidence.readModels.get(table) ?? new Map<unknown, object>()
    const [forged, wrong, missing] = [copy(), copy(), copy()]
    rowsOf(forged).set('forged', { last_sequence: 1 })
    expect(kindsOf(forged)).toEqual(['read model'])

    // What is under way has ended in this story.
    if (table.startsWith('open_')) return expect(rowsOf(copy()).size).toBe(0)
    const [first] = rowsOf(wrong).entries()
    Object.assign(first?.[1] ?? {}, { last_sequence: -7 })
    expect(kindsOf(wrong)).toEqual(['read model'])
    rowsOf(missing).delete(first?.[0])
    expect(kindsOf(missing)).toEqual(['read model'])
  })

  test('an archive that lacks an event, has another text, or another chain', () => {
    const plants: ((archived: (StoredEvent & { chainHead: string })[]) => unknown)[] = [
      (archived) => archived.splice(3, 1),
      (archived) => Object.assign(archived[3] ?? {}, { data: '{}' }),
      (archived) => Object.assign(archived[3] ?? {}, { chainHead: '00' }),
    ]
    for (const plant of plants) {
      const planted = copy()
      const archived = [...planted.evidence.archived.archived]
      plant(archived)
      const evidence = { archived: { ...planted.evidence.archived, archived } }
      expect(kindsOf(withEvidence(planted, evidence))).toEqual(['archive'])
    }
  })

  test('a bounty that returns what was promised, and not what its escrow has', () => {
    const planted = copy()
    const isRefund = ({ data }: AnyRecordedEvent) =>
      'transferId' in data && data.transferId.startsWith('refund:') && 'amountMicros' in data && data.amountMicros > 300
    for (const event of planted.evidence.events)
      if (isRefund(event) && 'amountMicros' in event.data) event.data.amountMicros -= 5
    expect(kindsOf(planted)).toEqual(expect.arrayContaining(['bounty']))
  })

  test('a bounty that is judged or ends twice', () => {
    const planted = copy()
    for (const type of ['BountyJudged', 'BountyAwarded']) {
      const events = planted.evidence.events.filter((event) => event.type === type).slice(-1)
      expect(kindsOf(repeated(planted, events))).toEqual(expect.arrayContaining(['bounty']))
    }
  })

  test('submitted work without a job or a verdict', () => {
    const planted = copy()
    const submitted = planted.evidence.events.findIndex(({ type }) => type === 'BountyWorkSubmitted')
    const events = planted.evidence.events.slice(0, submitted + 1)
    expect(kindsOf(withEvidence(planted, { events, jobs: [] }))).toEqual(
      expect.arrayContaining(['lost job', 'never ended']),
    )
  })

  test('a prompt without a job or an end', () => {
    const planted = copy()
    const submitted = {
      ...planted.evidence.events[0],
      stream: 'chat/0199a0b0-0000-7000-8000-000000000001',
      type: 'PromptSubmitted',
      data: {},
    } as AnyRecordedEvent
    const events = [...planted.evidence.events, submitted]
    expect(kindsOf(withEvidence(planted, { events }))).toEqual(expect.arrayContaining(['lost job', 'never ended']))
  })
})
