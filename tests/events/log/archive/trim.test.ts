import { beforeEach, describe, expect, test } from 'vitest'
import { SubmitPrompt } from '../../../../src/commands/chat/submit-prompt.ts'
import type { Archive } from '../../../../src/events/log/archive/archive.ts'
import { trim } from '../../../../src/events/log/archive/trim.ts'
import { archiveLog, councilWithArchive } from '../../../support/archived-council.ts'
import { storedLogOf } from '../../../support/stored-log.ts'
import { newId, type TestCouncil } from '../../../support/council.ts'
import { openPostgres } from '../../../support/databases.ts'
import { answeredPrompt, eventsOfPrompts, eventsPerPrompt } from '../../../support/history.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'
import { redisUrl } from '../../../support/shared-servers.ts'

const db = await suiteDatabase(openPostgres)
let stored: Archive
let council: TestCouncil
beforeEach(async () => {
  ;({ council, stored } = await councilWithArchive(db))
})

/** Enough for several nodes of the stream; Redis trims whole nodes of a hundred entries. */
const prompts = 60
const events = eventsOfPrompts(prompts)
async function answered(): Promise<void> {
  for (let i = 0; i < prompts; i++) await answeredPrompt(council)
  // The append that finishes a prompt removes its job.
  await council.redis.del(council.keys.work)
}
const archiveAll = () => archiveLog(council, redisUrl, db)
const trimAll = (hotWindowMs = 0) => trim({ redis: council.redis, keys: council.keys, archive: stored, hotWindowMs })
const hotSequences = async () =>
  (await council.redis.xrange(council.keys.log, '-', '+')).map(([, fields]) =>
    Number(fields[fields.indexOf('sequence') + 1]),
  )

describe('trimming', () => {
  test('removes archived events from Redis, and the log still returns them all', async () => {
    await answered()
    await archiveAll()
    const left = await trimAll()
    expect(left).toBeGreaterThanOrEqual(events - 101)
    const hot = await hotSequences()
    expect(hot.at(-1)).toBe(events)
    expect(hot[0]).toBe(left + 1)
    const all: number[] = []
    for await (const page of storedLogOf(council, redisUrl, stored).readStored())
      all.push(...page.map(({ sequence }) => sequence))
    expect(all).toEqual(Array.from({ length: events }, (_, index) => index + 1))
    // The archive records a trim in advance, so its record covers it.
    expect((await stored.checkpoint())?.trimmed.sequence).toBe(events - 1)
  })

  test('keeps events that are not archived', async () => {
    await answered()
    expect(await trimAll()).toBe(0)
    expect(await hotSequences()).toHaveLength(events)
    await archiveAll()
    await answeredPrompt(council)
    await trimAll()
    const hot = await hotSequences()
    expect(hot[0]).toBeLessThanOrEqual(events)
    expect(hot.at(-1)).toBe(events + eventsPerPrompt)
  })

  test('keeps events that are younger than the hot window', async () => {
    await answered()
    await archiveAll()
    expect(await trimAll(3_600_000)).toBe(0)
    expect((await stored.checkpoint())?.trimmed.sequence).toBe(0)
  })

  test('keeps events that a job still needs', async () => {
    const requestId = newId()
    await council.execute(SubmitPrompt, { requestId, text: 'Why?' })
    const [job] = await council.redis.xrange(council.keys.work, '-', '+')
    for (let i = 0; i < prompts; i++) await answeredPrompt(council)
    await council.redis.del(council.keys.work)
    // After other jobs, as if a worker gave it back.
    for (const position of ['999999999999999-0', job![1][job![1].indexOf('position') + 1]!, '999999999999999-0'])
      await council.redis.xadd(
        council.keys.work,
        '*',
        ...Object.entries({ kind: 'answer', stream: `chat/${requestId}`, position }).flat(),
      )
    await archiveAll()
    expect(await trimAll()).toBe(0)
    expect((await hotSequences())[0]).toBe(1)
  })

  test('always keeps the newest event', async () => {
    await answeredPrompt(council)
    await archiveAll()
    await trimAll()
    expect(await council.log.head()).not.toBe('0-0')
    expect((await hotSequences()).at(-1)).toBe(eventsOfPrompts(1))
  })
})
