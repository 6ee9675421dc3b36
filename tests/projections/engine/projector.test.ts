import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { chatStream } from '../../../src/events/chat.ts'
import type { RecordedEvent } from '../../../src/events/event.ts'
import type { EventLog } from '../../../src/events/log/log.ts'
import { chats } from '../../../src/projections/chats.ts'
import { costs, isCost } from '../../../src/projections/costs.ts'
import { loadRegistered } from '../../../src/projections/engine/checkpoint.ts'
import type { Projection } from '../../../src/projections/engine/projection.ts'
import type { Projector } from '../../../src/projections/engine/projector.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredPrompt, applyStep, eventsOfPrompts, newPrompt } from '../../support/history.ts'
import { suiteDatabase, testCouncil } from '../../support/lifetimes.ts'
import { anEvent } from '../../support/log-requests.ts'
import { caughtUp, dumpAll, project, stopped } from '../../support/read-models.ts'

describe.each(databaseKinds)('a projector on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  let council: TestCouncil
  beforeEach(async () => {
    await db.empty()
    council = await testCouncil()
  })

  /** A projector that has applied the whole log. */
  async function projected(projections?: readonly Projection[]): Promise<Projector> {
    const projector = project(council.log, db.postgres, projections)
    await caughtUp(projector, council.log)
    return projector
  }
  const registered = (name: string) => db.postgres.transaction((tx) => loadRegistered(tx, name))

  test('stores each prompt with its ending, cost, timings and positions', async () => {
    const { requestId, text } = await answeredPrompt(council)
    await projected()

    const all = await council.events()
    const ofChat = all.filter(({ stream }) => stream.startsWith('chat/'))
    const [row] = await db.rows('read_models.chats')
    expect(row).toMatchObject({
      request_id: requestId,
      conversation_id: requestId,
      actor: 'tester',
      status: 'completed',
      prompt: text,
      path: 'fast',
      intent: 'question',
      attempts: 1,
      answer: `An answer to: ${text}`,
      cost_micros: 38,
      prompt_tokens: 120,
      completion_tokens: 34,
      queued_ms: expect.any(Number) as number,
      first_token_ms: 41,
      degraded: false,
      first_position: ofChat[0]?.position,
      last_position: ofChat.at(-1)?.position,
      last_sequence: ofChat.at(-1)?.sequence,
    })
  })

  test('stores the cost of each model call with the position of its debit', async () => {
    const { requestId, budget } = await answeredPrompt(council)
    await projected()
    const debit = (await council.events()).find(({ type }) => type === 'BudgetDebited')
    expect(await db.rows('read_models.costs')).toMatchObject([
      {
        request_id: requestId,
        call_id: `${requestId}.1`,
        model: 'test-model',
        usage: 'reported',
        actual_micros: 38,
        stream: budget,
        asker: 'tester',
        agent: null,
        position: debit?.position,
        sequence: debit?.sequence,
      },
    ])
  })

  test('applies new events and reports its position', async () => {
    const projector = await projected()
    const prompt = newPrompt()
    for (const [step, status] of [
      ['submit', 'submitted'],
      ['attempt', 'answering'],
      ['stop', 'cancelled'],
    ] as const) {
      await applyStep(council, prompt, step)
      await caughtUp(projector, council.log)
      expect(await db.rows('read_models.chats')).toMatchObject([{ status }])
    }
    const head = await council.log.head()
    expect(projector.status()).toMatchObject([
      { name: 'chats', state: 'running', position: head, sequence: 3, lag: 0 },
      { name: 'costs', state: 'running', position: head, sequence: 3, lag: 0 },
    ])
  })

  test('applies a prompt with characters that Postgres cannot store', async () => {
    const prompt = newPrompt('zero \0 and half a pair \ud83d')
    await applyStep(council, prompt, 'submit')
    await projected()
    expect(await db.rows('read_models.chats')).toMatchObject([{ prompt: 'zero \uFFFD and half a pair \uFFFD' }])
  })

  test('resumes from its checkpoint after it was stopped', async () => {
    await answeredPrompt(council)
    await (await projected()).stop()
    const before = await registered('costs')

    await answeredPrompt(council)
    await projected()
    const after = await registered('costs')
    expect(after).toMatchObject({ generation: before?.generation, sequence: eventsOfPrompts(2) })
    expect(await db.dump('read_models.costs')).toHaveLength(2)
  })

  test('releases a waiting reader whose signal aborts', async () => {
    const projector = await projected()
    const giveUp = new AbortController()
    const waiting = projector.waitFor('999999999999999-0' as never, giveUp.signal)
    giveUp.abort()
    expect(await waiting).toBe('given_up')
  })

  /** One row per event, without a key: an event that is applied twice has two rows. */
  const tally: Projection = {
    name: 'tally',
    version: 1,
    tables: ['tally'],
    createTables: async (tx, schema) =>
      void (await sql`create table ${sql.id(schema, 'tally')} (sequence bigint)`.execute(tx)),
    apply: async (tx, schema, events) =>
      void (await sql`insert into ${sql.id(schema, 'tally')} select unnest(${events.map(({ sequence }) => sequence)}::bigint[])`.execute(
        tx,
      )),
  }
  const tallied = async () =>
    (await db.rows('read_models.tally')).map(({ sequence }) => Number(sequence)).sort((a, b) => a - b)

  test('next to another one of the same name applies every event once', async () => {
    const other = await testCouncil(council.councilId)
    const projectors = [project(council.log, db.postgres, [tally]), project(other.log, db.postgres, [tally])]
    for (const projector of projectors) await caughtUp(projector, council.log)
    await Promise.all(Array.from({ length: 12 }, () => answeredPrompt(council)))
    for (const projector of projectors) await caughtUp(projector, council.log)
    expect(await tallied()).toEqual(Array.from({ length: eventsOfPrompts(12) }, (_, index) => index + 1))
    const states = projectors.flatMap((projector) => projector.status()).map(({ state }) => state)
    expect(states).toEqual(['running', 'running'])
  })

  test('that lags another one of the same name applies no event a second time', async () => {
    const first = project(council.log, db.postgres, [tally])
    await answeredPrompt(council)
    await caughtUp(first, council.log)
    // The second projector pauses just before it applies, and its checkpoint becomes outdated.
    const held = Promise.withResolvers<undefined>()
    const holding = Promise.withResolvers<undefined>()
    const slow: EventLog = {
      ...council.log,
      async *read(options) {
        for await (const page of council.log.read(options)) {
          if (options?.upTo === undefined) {
            holding.resolve(undefined)
            await held.promise
          }
          yield page
        }
      },
    }
    await first.stop()
    await answeredPrompt(council)
    const behind = project(slow, db.postgres, [tally])
    await holding.promise
    const ahead = project(council.log, db.postgres, [tally])
    await answeredPrompt(council)
    await caughtUp(ahead, council.log)
    held.resolve(undefined)
    await caughtUp(behind, council.log)
    expect(await tallied()).toEqual(Array.from({ length: eventsOfPrompts(3) }, (_, index) => index + 1))
  })

  describe('stops, with everything before it applied,', () => {
    test('at an event that the projection cannot apply, and names its position', async () => {
      await (await projected()).stop()
      await answeredPrompt(council)
      const { requestId } = await answeredPrompt(council)
      await answeredPrompt(council)
      const isIts = (event: RecordedEvent) => isCost(event) && event.data.requestId === requestId
      const poison: Projection = {
        ...costs,
        async apply(tx, schema, events) {
          await costs.apply(tx, schema, events)
          if (events.some(isIts)) throw new Error('an impossible figure')
        },
      }

      const projector = project(council.log, db.postgres, [poison])
      const status = await stopped(projector, 'costs')
      const debit = (await council.events()).find(isIts)
      expect(status).toMatchObject({ state: 'stopped', code: 'poison_event', sequence: (debit?.sequence ?? 0) - 1 })
      expect(status?.message).toContain(debit?.position)
      expect(await db.dump('read_models.costs')).toHaveLength(1)
    })

    test('at an event that a newer program wrote', async () => {
      await answeredPrompt(council)
      const projector = await projected()
      await appendRaw(council, { sequence: String(eventsOfPrompts(1) + 1), type: 'BudgetDebited', version: '99' })
      for (const name of ['chats', 'costs'])
        expect(await stopped(projector, name)).toMatchObject({
          state: 'stopped',
          code: 'unknown_event_version',
          sequence: eventsOfPrompts(1),
        })
    })

    test('at a gap in the log', async () => {
      await answeredPrompt(council)
      const projector = await projected()
      await appendRaw(council, {
        sequence: String(eventsOfPrompts(1) + 3),
        type: 'CancellationRequested',
        version: '1',
      })
      expect(await stopped(projector, 'costs')).toMatchObject({ code: 'sequence_gap', sequence: eventsOfPrompts(1) })
    })

    test('when the log no longer holds the event of its checkpoint', async () => {
      await answeredPrompt(council)
      await (await projected()).stop()
      await council.redis.xdel(council.keys.log, await council.log.head())
      const status = await stopped(project(council.log, db.postgres), 'costs')
      expect(status).toMatchObject({ code: 'checkpoint_not_in_log', sequence: eventsOfPrompts(1) })
      expect(status?.message).toContain('council rebuild costs')
    })

    test('when the log loses its tail while it follows, and continues above it', async () => {
      const prompt = await answeredPrompt(council)
      const projector = await projected()
      await council.redis.xdel(council.keys.log, await council.log.head())
      const stream = `chat/${prompt.requestId}`
      await appendRaw(council, {
        sequence: String(eventsOfPrompts(1)),
        type: 'CancellationRequested',
        version: '1',
        stream,
      })
      expect(await stopped(projector, 'chats')).toMatchObject({
        code: 'checkpoint_not_in_log',
        sequence: eventsOfPrompts(1),
      })
    })

    test('when a newer program has built the read model', async () => {
      await (await projected([{ ...chats, version: 7 }])).stop()
      expect(await stopped(project(council.log, db.postgres, [chats]), 'chats')).toMatchObject({
        code: 'projection_of_newer_program',
      })
    })
  })

  test('rebuilds the read model for a newer version of the projection', async () => {
    await answeredPrompt(council)
    const old = await projected()
    const before = await dumpAll(db)
    await old.stop()
    await projected([{ ...chats, version: chats.version + 1 }])
    expect(await registered('chats')).toMatchObject({
      version: chats.version + 1,
      generation: 2,
      sequence: eventsOfPrompts(1),
    })
    expect(await dumpAll(db)).toEqual(before)
  })

  test('of an older version stops when a newer one has taken over', async () => {
    const older = await projected([chats])
    const newer = await projected([{ ...chats, version: chats.version + 1 }])
    const { requestId } = await answeredPrompt(council)
    expect(await stopped(older, 'chats')).toMatchObject({ code: 'projection_of_newer_program' })
    await caughtUp(newer, council.log)
    expect(await db.rows('read_models.chats')).toMatchObject([{ request_id: requestId }])
  })
})

/** An entry that the gate never writes. */
async function appendRaw(
  council: TestCouncil,
  fields: { sequence: string; type: string; version: string; stream?: string },
): Promise<void> {
  const { data, metadata } = anEvent(chatStream(newId()), newId())
  const entry = { stream: 'chat/raw', revision: '1', data, metadata, ...fields }
  await council.redis.xadd(council.keys.log, '*', ...Object.entries(entry).flat())
}
