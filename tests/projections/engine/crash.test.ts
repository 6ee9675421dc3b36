import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chats } from '../../../src/projections/chats.ts'
import { loadRegistered } from '../../../src/projections/engine/checkpoint.ts'
import { generationsOf } from '../../../src/projections/engine/generations.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredPrompt, eventsOfPrompts } from '../../support/history.ts'
import { suiteCouncil, suiteDatabase, testCouncil } from '../../support/lifetimes.ts'
import { processLine } from '../../support/process-line.ts'
import { caughtUp, project, rebuildNow } from '../../support/read-models.ts'
import { redisUrl } from '../../support/shared-servers.ts'

const childProgram = fileURLToPath(new URL('../../support/projector-child.ts', import.meta.url))
/** More than two pages of the log. */
const prompts = 210

describe.each(databaseKinds)('when a process is killed on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  await migrate(db.postgres)
  const council = await suiteCouncil()
  let expected: string[]
  beforeAll(async () => {
    await Promise.all(Array.from({ length: prompts }, () => answeredPrompt(council)))
    await rebuildNow(council.log, db.postgres, chats)
    expected = await db.dump('read_models.chats')
    expect(expected).toHaveLength(prompts)
  })
  beforeEach(() => db.empty())
  afterEach(() => db.empty())

  /** Starts a process and kills it at its breakpoint. */
  async function killedAt(mode: 'project' | 'rebuild', where: string): Promise<void> {
    const child = spawn(process.execPath, [childProgram, redisUrl, council.councilId, db.url, mode, where], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await processLine(child, /standing still/)
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }
  const registered = () => db.postgres.transaction((tx) => loadRegistered(tx, 'chats'))
  const generations = () => db.postgres.transaction((tx) => generationsOf(tx, 'chats'))

  test.each(['inside:2', 'between:1'])(
    'in a rebuild (%s), the old generation keeps serving, and the next rebuild cleans up',
    async (where) => {
      await migrate(db.postgres)
      await rebuildNow(council.log, db.postgres, chats)
      await killedAt('rebuild', where)
      expect(await db.dump('read_models.chats')).toEqual(expected)
      expect(await registered()).toMatchObject({ generation: 1 })
      expect(await generations()).toHaveLength(2)

      expect(await rebuildNow(council.log, db.postgres, chats)).toMatchObject({ generation: 3 })
      expect(await generations()).toEqual([3])
      expect(await db.dump('read_models.chats')).toEqual(expected)
    },
  )

  test('in the first build, the next projector starts it again', async () => {
    await killedAt('project', 'between:1')
    await caughtUp(project(council.log, db.postgres, [chats]), council.log)
    expect(await db.dump('read_models.chats')).toEqual(expected)
    expect(await generations()).toHaveLength(1)
  })

  test.each(['inside:2', 'between:1'])(
    'in a projector that is catching up (%s), the next one loses and repeats nothing',
    async (where) => {
      await migrate(db.postgres)
      await rebuildNow((await testCouncil()).log, db.postgres, chats)
      await killedAt('project', where)
      const left = await registered()
      // The first page of the log was committed, the second was not.
      expect(left?.sequence).toBe(1000)

      await caughtUp(project(council.log, db.postgres, [chats]), council.log)
      expect(await db.dump('read_models.chats')).toEqual(expected)
      expect(await registered()).toMatchObject({ generation: 1, sequence: eventsOfPrompts(prompts) })
    },
  )
})
