import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { positionTimeMs } from '../../../src/events/identifiers.ts'
import { printableEvent, type RecordedEvent } from '../../../src/events/event.ts'
import { council as cli } from '../../support/cli.ts'
import { newId, openTestCouncil, type TestCouncil } from '../../support/council.ts'
import { answeredPrompt, applyStep, newPrompt, type PromptRun } from '../../support/history.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

let council: TestCouncil
let answered: PromptRun
let all: AnyRecordedEvent[]
let settings: Record<string, string>
beforeAll(async () => {
  const councilId = freshCouncilId()
  settings = { REDIS_URL: redisUrl, COUNCIL_ID: councilId }
  council = await openTestCouncil(redisUrl, councilId)
  answered = await answeredPrompt(council, 'What does \u001b[31mthis\u001b[0m say?')
  const cancelled = newPrompt()
  for (const step of ['submit', 'cancel'] as const) await applyStep(council, cancelled, step)
  all = await council.events()
})
afterAll(() => council.close())

/** Opens another council, and closes it when the test ends. */
async function openOther() {
  const other = await openTestCouncil(redisUrl, freshCouncilId())
  onTestFinished(other.close)
  return { other, otherSettings: { ...settings, COUNCIL_ID: other.councilId } }
}

const isOpened = (event: AnyRecordedEvent) => event.type === 'BudgetOpened'

const asPrinted = (events: readonly RecordedEvent[]) =>
  JSON.parse(JSON.stringify(events.map(printableEvent))) as unknown[]

describe('council events', () => {
  test('prints the whole log, each event in its public form', async () => {
    const run = await cli(settings, ['events', '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.json()).toEqual(asPrinted(all))
  })

  test('prints one line per event without --json, and no control sequence', async () => {
    const { stdout } = await cli(settings, ['events'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(all.length)
    expect(lines[0]).toContain(`${all[0]?.position.padEnd(17)}  PromptSubmitted        chat/${answered.requestId}@1`)
    expect(stdout).not.toContain('\u001b')
  })

  test('uses colour only on a terminal without NO_COLOR, and fits its width', async () => {
    expect((await cli(settings, ['events'], { columns: 120 })).stdout).toContain('\u001b[')
    const plain = await cli(settings, ['events'], { columns: 120, noColor: true })
    expect(plain.stdout).not.toContain('\u001b')
    expect(Math.max(...plain.stdout.split('\n').map((line) => line.length))).toBe(120)
    expect((await cli(settings, ['events', '--json'], { columns: 120 })).stdout).not.toContain('\u001b')
  })

  test('selects by stream, type, position and number', async () => {
    const chosen = async (...args: string[]) => (await cli(settings, ['events', '--json', ...args])).json()
    expect(await chosen('--stream', `chat/${answered.requestId}`)).toEqual(
      asPrinted(all.filter(({ stream }) => stream === `chat/${answered.requestId}`)),
    )
    expect(await chosen('--type', 'PromptSubmitted', '--limit', '1')).toEqual(asPrinted(all.slice(0, 1)))
    expect(await chosen('--from', all[3]!.position)).toEqual(asPrinted(all.slice(3)))
    expect(await chosen('--from', all[3]!.position, '--limit', '2')).toEqual(asPrinted(all.slice(3, 5)))
    expect(await chosen('--from', '0-0')).toEqual(asPrinted(all))
    expect(await chosen('--from', new Date(positionTimeMs(all[0]!.position)).toISOString())).toEqual(asPrinted(all))
    expect(await chosen('--from', '2100-01-01')).toEqual([])
  })

  test('follows the log until Ctrl-C', async () => {
    const ctrlC = new AbortController()
    const printed = Promise.withResolvers<undefined>()
    const running = cli(settings, ['events', '--json', '--follow', '--type', 'PromptSubmitted'], {
      interrupted: ctrlC.signal,
      onOutput: (stdout) => {
        const count = stdout.split('\n').length - 1
        if (count === 2) printed.resolve(undefined)
        if (count === 3) ctrlC.abort()
      },
    })
    await printed.promise
    const { requestId } = newPrompt()
    await applyStep(council, { ...newPrompt(), requestId }, 'submit')
    const run = await running
    expect(run.code).toBe(0)
    expect(run.json().at(-1)).toMatchObject({ type: 'PromptSubmitted', data: { requestId } })
  })

  test('reports the position of a malformed entry, and prints the events before it', async () => {
    const { other, otherSettings } = await openOther()
    await applyStep(other, newPrompt(), 'submit')
    const position = await other.redis.xadd(other.keys.log, '*', 'sequence', '2', 'stream', 'chat/x')
    const run = await cli(otherSettings, ['events', '--json'])
    expect(run.code).toBe(1)
    const message = expect.stringContaining(position!)
    expect(JSON.parse(run.stderr)).toEqual({ code: 'malformed_event', message })
  })

  test('creates no log for a council without one', async () => {
    const councilId = freshCouncilId()
    const run = await cli({ ...settings, COUNCIL_ID: councilId }, ['events'])
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('(no_log)') })
    expect(await council.redis.keys(`council:{${councilId}}:*`)).toEqual([])
  })

  test('reports a Redis that does not answer', async () => {
    const run = await cli({ ...settings, REDIS_URL: 'redis://127.0.0.1:1' }, ['events', '--json'])
    expect(run.code).toBe(1)
    expect(JSON.parse(run.stderr)).toMatchObject({ code: 'redis_unreachable' })
  })
})

describe('council state', () => {
  let budget = ''
  beforeAll(() => {
    budget = answered.budget
  })
  /** The terms that the first event of the budget put in force. */
  const openedOn = () => {
    const { scope: _, day: _day, opensAt: _opensAt, ...terms } = all.find(isOpened)!.data
    return terms
  }

  test('prints the current state of an aggregate', async () => {
    const run = await cli(settings, ['state', budget, '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const position = all.find(({ type }) => type === 'BudgetDebited')?.position
    expect(run.json()).toEqual([
      {
        stream: budget,
        revision: 3,
        position,
        state: { terms: openedOn(), spentMicros: 38, reservations: {}, isThrottled: false, reportedLimitMicros: null },
      },
    ])
  })

  test('prints the state of an aggregate at a position', async () => {
    const { position } = all.find(({ type }) => type === 'BudgetReserved')!
    const run = await cli(settings, ['state', budget, '--at', position, '--json'])
    const reservations = { [`${answered.requestId}.1`]: 900 }
    const state = { terms: openedOn(), spentMicros: 0, reservations, isThrottled: false }
    expect(run.json()).toMatchObject([{ revision: 2, position, state }])
  })

  test.each([
    ['at a time', 'YYYY-MM-DDTHH:mm:ss.sssZ'.length],
    ['at the end of a day', 'YYYY-MM-DD'.length],
  ])('prints the state of an aggregate %s', async (_, length) => {
    const at = new Date(positionTimeMs(all.at(-1)!.position)).toISOString().slice(0, length)
    const run = await cli(settings, ['state', `chat/${answered.requestId}`, '--at', at, '--json'])
    expect(run.json()).toMatchObject([{ state: { status: 'finished' } }])
  })

  test('prints the state for people without --json', async () => {
    const { stdout } = await cli(settings, ['state', budget])
    expect(stdout).toContain(`${budget}  revision 3`)
    expect(stdout).toContain('"spentMicros": 38')
  })

  test('prints the number of events of an append-only stream', async () => {
    const { other, otherSettings } = await openOther()
    for (const by of [newId(), newId()]) await other.execute(OpenAccount, { account: id('agent:twice') }, by)
    const [refusal] = (await other.events()).filter(({ type }) => type === 'CommandRefused')
    const run = await cli(otherSettings, ['state', refusal?.stream ?? ''])
    expect(run).toMatchObject({ stderr: '', code: 0, stdout: expect.stringContaining('revision 1') })
  })

  test.each([
    ['before its first event', () => [budget, '--at', '1-0']],
    ['that does not exist', () => ['chat/unknown']],
  ])('reports a stream %s', async (_, args) => {
    const stderr = expect.stringContaining('stream_unknown')
    expect(await cli(settings, ['state', ...args()])).toMatchObject({ code: 1, stdout: '', stderr })
  })

  test.each([
    ['in a figure', '"spentMicros":38', '"spentMicros":39', 'spentMicros'],
    ['with a revision that is not in the log', '3:3:', '4:3:', 'revision 4'],
    ['with the revision before its last event', '3:3:', '2:3:', 'spentMicros'],
  ])('reports a stored state that differs from the fold of its events %s', async (_, genuine, forged, message) => {
    const { other, otherSettings } = await openOther()
    const prompt = await answeredPrompt(other)
    const stored = await other.redis.hget(other.keys.states, prompt.budget)
    const tampered = stored!.replace(genuine, forged)
    expect(tampered).not.toBe(stored)
    await other.redis.hset(other.keys.states, prompt.budget, tampered)
    const run = await cli(otherSettings, ['state', prompt.budget])
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('state_differs') })
    expect(run.stderr).toContain(message)
  })
})
