import { beforeEach, describe, expect, test } from 'vitest'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import type { ReadOptions } from '../../../src/events/log/log.ts'
import { chats } from '../../../src/projections/chats.ts'
import { loadRegistered } from '../../../src/projections/engine/checkpoint.ts'
import { costs } from '../../../src/projections/costs.ts'
import { generationsOf } from '../../../src/projections/engine/generations.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { postgresStore } from '../../../src/projections/engine/postgres-store.ts'
import type { Projection } from '../../../src/projections/engine/projection.ts'
import type { RebuildProgress } from '../../../src/projections/engine/rebuild.ts'
import { leaseRebuild, type Rebuilder } from '../../../src/projections/engine/rebuild-lease.ts'
import { readConsistently } from '../../../src/projections/engine/snapshot.ts'
import type { TestCouncil } from '../../support/council.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredPrompt, applyStep, eventsOfPrompts, newPrompt, steps } from '../../support/history.ts'
import { suiteDatabase, testCouncil } from '../../support/lifetimes.ts'
import { caughtUp, dumpAll, project, rebuildNow } from '../../support/read-models.ts'

describe.each(databaseKinds)('a rebuild on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  let council: TestCouncil
  beforeEach(async () => {
    await db.empty()
    council = await testCouncil()
  })

  const registered = (name: string) => db.postgres.transaction((tx) => loadRegistered(tx, name))
  const generations = (name: string) => db.postgres.transaction((tx) => generationsOf(tx, name))

  /** Read models of a history with every step, built event by event by a live projector. */
  async function builtLive(): Promise<void> {
    const projector = project(council.log, db.postgres)
    await caughtUp(projector, council.log)
    for (const last of steps) {
      const prompt = newPrompt(`A prompt whose last step is ${last}`)
      for (const step of ['submit', 'attempt', 'route', 'call', last] as const) await applyStep(council, prompt, step)
    }
    await caughtUp(projector, council.log)
    await projector.stop()
  }

  test('produces the rows of the live projector in a new generation', async () => {
    await builtLive()
    const before = await dumpAll(db)
    const total = (await council.events()).length
    for (const projection of [chats, costs]) {
      expect(await rebuildNow(council.log, db.postgres, projection)).toMatchObject({
        projection: projection.name,
        generation: 2,
        events: total,
      })
      expect(await generations(projection.name)).toEqual([2])
      expect(await registered(projection.name)).toMatchObject({
        generation: 2,
        version: projection.version,
        sequence: total,
        position: await council.log.head(),
      })
    }
    expect(await dumpAll(db)).toEqual(before)
    expect(before.chats).toHaveLength(steps.length)
  })

  test('reports its progress to the end', async () => {
    await migrate(db.postgres)
    await answeredPrompt(council)
    const seen: RebuildProgress[] = []
    await rebuildNow(council.log, db.postgres, costs, (progress) => seen.push(progress))
    expect(seen[0]).toMatchObject({ projection: 'costs', done: 0, total: eventsOfPrompts(1) })
    expect(seen.at(-1)).toMatchObject({ done: eventsOfPrompts(1), total: eventsOfPrompts(1) })
  })

  test('loses no event that arrives meanwhile, and the live projector continues in the new generation', async () => {
    const projector = project(council.log, db.postgres)
    await answeredPrompt(council)
    await caughtUp(projector, council.log)
    let isOver = false
    const busy = (async () => {
      while (!isOver) await answeredPrompt(council)
    })()
    for (const generation of [2, 3, 4]) {
      const { generation: built } = await rebuildNow(council.log, db.postgres, chats)
      expect(built).toBe(generation)
      await rebuildNow(council.log, db.postgres, costs)
    }
    isOver = true
    await busy
    await answeredPrompt(council)
    await caughtUp(projector, council.log)
    const live = await dumpAll(db)
    await projector.stop()
    expect(projector.status()).toMatchObject([{ state: 'running' }, { state: 'running' }])

    for (const projection of [chats, costs]) await rebuildNow(council.log, db.postgres, projection)
    expect(await dumpAll(db)).toEqual(live)
    expect(live.costs).toHaveLength((await council.events()).filter(({ type }) => type === 'BudgetDebited').length)
  })

  test('never exposes half a generation: it waits for current readers, and later ones see the new generation', async () => {
    await builtLive()
    const total = (await council.events()).length
    const whole = (await dumpAll(db)).chats.length
    let rebuilt: Promise<unknown> | undefined
    const seen = await readConsistently(db.postgres, ['chats'], async (tx) => {
      const before = await loadRegistered(tx, 'chats')
      rebuilt = rebuildNow(council.log, db.postgres, chats)
      await db.somebodyWaits(rebuilt)
      return {
        sequence: before?.sequence,
        generation: before?.generation,
        rows: (await db.rowsIn(tx, 'read_models.chats')).length,
      }
    })
    expect(seen).toEqual({ sequence: total, generation: 1, rows: whole })
    expect(await rebuilt).toMatchObject({ generation: 2, events: total })
    const after = await readConsistently(db.postgres, ['chats'], async (tx) => [
      (await loadRegistered(tx, 'chats'))?.generation,
      (await db.rowsIn(tx, 'read_models.chats')).length,
    ])
    expect(after).toEqual([2, whole])
  })

  test('locks out the live projector during the swap, so that queries never go back in time', async () => {
    const projector = project(council.log, db.postgres, [chats])
    await answeredPrompt(council)
    await caughtUp(projector, council.log)
    let reads = 0
    let reached: Promise<unknown> | undefined
    const log = {
      ...council.log,
      async *read(options?: ReadOptions) {
        reads += 1
        const isInSwap = reads === 3
        yield* council.log.read(options)
        if (!isInSwap) return
        // The swap has read to the end of the log. The live projector would apply the next event at once.
        await answeredPrompt(council)
        reached = projector.waitFor(await council.log.head(), new AbortController().signal)
        await db.somebodyWaits(reached)
        expect(projector.status()).toMatchObject([{ sequence: eventsOfPrompts(1) }])
      },
    }
    expect(await rebuildNow(log, db.postgres, chats)).toMatchObject({ generation: 2, events: eventsOfPrompts(1) })
    expect(await reached).toBe('reached')
    expect(await db.rows('read_models.chats')).toHaveLength(2)
  })

  test('that fails leaves the old generation serving and nothing half-built', async () => {
    await builtLive()
    const before = await dumpAll(db)
    const broken: Projection = { ...costs, apply: () => Promise.reject(new Error('cannot be')) }
    await expect(rebuildNow(council.log, db.postgres, broken)).rejects.toMatchObject({ code: 'poison_event' })
    expect(await generations('costs')).toEqual([1])
    expect(await dumpAll(db)).toEqual(before)
    expect(await rebuildNow(council.log, db.postgres, costs)).toMatchObject({ generation: 2 })
  })

  test('is refused while another one runs, and names its process', async () => {
    await builtLive()
    await leaseRebuild(postgresStore(db.postgres), costs, rebuilder({ host: 'elsewhere', pid: 4711 }))
    await expect(rebuildNow(council.log, db.postgres, costs)).rejects.toMatchObject({
      code: 'rebuild_running',
      message: expect.stringContaining('process 4711 on elsewhere') as unknown,
    })
    expect(await rebuildNow(council.log, db.postgres, chats)).toMatchObject({ generation: 2 })
  })

  test('takes over from a dead process, which can no longer write', async () => {
    await builtLive()
    const before = await dumpAll(db)
    let other: Promise<unknown> = Promise.resolve()
    // Between its two batches the first process looks dead to the second; the machine may have slept.
    const interruptedAt =
      (batch: number) =>
      ({ done }: RebuildProgress) => {
        if (done === batch)
          other = rebuildNow(council.log, db.postgres, costs, undefined, rebuilder({ isAlive: () => false }))
      }
    const log = { ...council.log, read: (options?: ReadOptions) => inPages(council.log.read(options), 7, () => other) }
    const first = rebuildNow(log, db.postgres, costs, interruptedAt(14), rebuilder({}))
    await expect(first).rejects.toMatchObject({ code: 'rebuild_lost' })
    expect(await other).toMatchObject({ projection: 'costs', events: (await council.events()).length })
    expect(await dumpAll(db)).toEqual(before)
    expect(await generations('costs')).toHaveLength(1)
  })

  test('of an older version than the serving generation is refused', async () => {
    await migrate(db.postgres)
    await rebuildNow(council.log, db.postgres, { ...costs, version: costs.version + 1 })
    await expect(rebuildNow(council.log, db.postgres, costs)).rejects.toMatchObject({
      code: 'projection_of_newer_program',
    })
  })

  test('of a log without its beginning is refused', async () => {
    await builtLive()
    const [first] = await council.events()
    await council.redis.xdel(council.keys.log, first?.position ?? '')
    await expect(rebuildNow(council.log, db.postgres, chats)).rejects.toMatchObject({ code: 'log_trimmed' })
  })
})

/** The same events in smaller pages; each waits for the work that was started meanwhile. */
async function* inPages(
  pages: AsyncGenerator<AnyRecordedEvent[]>,
  size: number,
  until: () => Promise<unknown>,
): AsyncGenerator<AnyRecordedEvent[]> {
  for await (const page of pages)
    for (let start = 0; start < page.length; start += size) {
      await until()
      yield page.slice(start, start + size)
    }
}

function rebuilder(part: Partial<Rebuilder>): Rebuilder {
  return { host: 'here', pid: 1, isAlive: () => true, newFence: () => crypto.randomUUID(), ...part }
}
