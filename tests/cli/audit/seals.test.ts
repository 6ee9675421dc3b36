import { writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { chainStart, extendChain } from '../../../src/events/log/archive/chain.ts'
import { storedEvent } from '../../../src/events/log/read/stored-event.ts'
import { auditedForTests, fieldOf, storyEvents, withFields } from '../../support/audited.ts'
import { council as cli } from '../../support/cli.ts'
import { openTestCouncil, testMacs, type TestCouncil } from '../../support/council.ts'
import { backup, loseEverything } from '../../support/lost.ts'
import { answeredPrompt, eventsPerPrompt } from '../../support/history.ts'
import { copiesOf, introduce, makeSealKey, sealAll, sealsFileOf, type TestSealKey } from '../../support/sealed.ts'
import { redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

const audited = auditedForTests({ renewed: true })
/** What the first seal covers: the story and the introduction of the key. The seal is the next event. */
const firstSealed = storyEvents + 1
/** What the seal of `sealOneMore` covers: also the first seal, and a prompt. */
const secondSealed = firstSealed + 1 + eventsPerPrompt
let key: TestSealKey
beforeEach(async () => {
  key = makeSealKey()
  await introduce(audited.council, key, null)
  await seal(key)
})

const seal = (by = key, council = audited.council) => sealAll(council, audited.db.postgres, by)
const copies = () => copiesOf(audited.council, audited.db.postgres)
const verifyWith = (seals: string, publicKey = key) =>
  audited.verify('--seal', seals, '--public-key', publicKey.publicKeyFile)
const incarnationOf = async ({ redis, keys }: TestCouncil) => (await redis.hget(keys.meta, 'incarnation'))!
/** Answers and seals one more prompt; resolves with a file of all seals. */
async function sealOneMore(): Promise<string> {
  await answeredPrompt(audited.council)
  await seal()
  return sealsFileOf(await copies())
}
/** Opens accounts in the log as an intruder with the keys of its processes. */
async function forge(accounts: number): Promise<TestCouncil> {
  const forger = await openTestCouncil(redisUrl, audited.council.councilId)
  onTestFinished(forger.close)
  for (let n = 0; n < accounts; n++) await forger.execute(OpenAccount, { account: id(`agent:eve-${n}`) })
  return forger
}
const position = async (n: number) => (await audited.entries())[n - 1]?.[0]

/** Removes all events from the nth on from Redis, archive and read models, without a trace. */
async function cutOff(putBack: () => Promise<void>, n: number): Promise<void> {
  await putBack()
  await audited.query(`delete from event_archive where sequence >= ${n}`)
  await audited.query(
    'update archive_checkpoint set (sequence, position, chain_head) = (select sequence, position, chain_head from event_archive order by sequence desc limit 1)',
  )
  await audited.query('truncate projections')
}

describe('council audit verify, with seals,', () => {
  test('follows the sealing keys, and compares copies of the seals', async () => {
    const next = makeSealKey()
    await introduce(audited.council, next, key)
    await answeredPrompt(audited.council)
    await seal(next)
    const file = sealsFileOf(await copies())
    expect(await audited.verify()).toMatchObject({
      code: 0,
      summary: { seals: { seals: 2, outside: 0, newestOutside: null, keyIds: [key.keyId, next.keyId] } },
    })
    const summary = { seals: { outside: 2, newestOutside: secondSealed + 2 } }
    for (const either of [key, next])
      expect(await verifyWith(file, either)).toMatchObject({ code: 0, faults: [], summary })
    expect(await audited.verify('--public-key', makeSealKey().publicKeyFile)).toMatchObject({
      code: 1,
      faults: [{ code: 'sealing_key_forged' }],
    })
    expect(await audited.verify('--seal', file)).toMatchObject({
      code: 0,
      summary: { unknown: expect.arrayContaining([expect.stringContaining('--public-key')]) },
    })
  })

  test('finds a tail that was removed from every store, with an external seal only', async () => {
    const putBack = await backup(audited.council)
    const [kept, sealedAt] = [await sealOneMore(), await position(secondSealed)]
    await cutOff(putBack, firstSealed + 2)
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
    const { code, faults } = await verifyWith(kept)
    expect(code).toBe(1)
    expect(faults).toMatchObject([
      { code: 'truncated_tail', position: sealedAt, sequence: secondSealed },
      { code: 'truncated_tail', sequence: secondSealed + 1 },
    ])
  })

  test('finds a log whose tail was removed, continued and sealed again', async () => {
    const putBack = await backup(audited.council)
    const kept = await sealOneMore()
    await cutOff(putBack, firstSealed + 2)
    await seal(key, await forge(10))
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
    const { faults } = await verifyWith(kept)
    expect(faults[0]).toMatchObject({
      code: 'seal_differs',
      position: await position(secondSealed),
      sequence: secondSealed,
    })
  })

  test('finds a history that was rewritten with every key of the council, with an external seal only', async () => {
    const kept = sealsFileOf(await copies())
    const incarnation = await incarnationOf(audited.council)
    await loseEverything(audited.council)
    await audited.query('truncate event_archive, archive_checkpoint, projections')
    await audited.council.redis.hset(audited.council.keys.meta, 'incarnation', incarnation)
    const forger = await forge(30)
    await introduce(forger, key, null)
    await seal(key, forger)
    expect(await audited.verify('--public-key', key.publicKeyFile)).toMatchObject({ code: 0, faults: [] })
    const { faults } = await verifyWith(kept)
    expect(faults[0]).toMatchObject({
      code: 'seal_differs',
      sequence: firstSealed,
      position: await position(firstSealed),
    })
    const { faults: byKey } = await audited.verify('--public-key', makeSealKey().publicKeyFile)
    expect(byKey[0]).toMatchObject({ code: 'sealing_key_forged' })
  })

  test('finds an event that was rewritten with its MAC and the chain after it', async () => {
    const { council } = audited
    const incarnation = await incarnationOf(council)
    await audited.rewrite((entries) =>
      entries.map((entry, index) => {
        if (index !== 7) return entry
        const data = fieldOf(entry, 'data').replace('story', 'stolen')
        const changed = storedEvent(withFields(entry, { data }))
        return withFields(entry, { data, mac: testMacs.make({ incarnation, ...changed }) })
      }),
    )
    let head = chainStart({ councilId: council.councilId, incarnation })
    for (const event of (await audited.entries()).map(storedEvent)) {
      head = extendChain(head, event)
      await audited.query(
        `update event_archive set data = $q$${event.data}$q$, mac = '${event.mac}', chain_head = '\\x${head.toString('hex')}' where sequence = ${event.sequence}`,
      )
    }
    await audited.query(`update archive_checkpoint set chain_head = '\\x${head.toString('hex')}'`)
    const message = expect.stringContaining('it, or an event before it, was changed')
    expect((await audited.verify()).faults).toMatchObject([
      { code: 'seal_differs', position: await position(firstSealed), message },
      // The statement of the account still has the old reason.
      { code: 'read_model_differs', sequence: 8 },
    ])
  })

  test('finds a seal with a wrong signature, and a seal of an unknown key', async () => {
    await sealAll(audited.council, audited.db.postgres, key, (genuine) => ({
      ...genuine,
      signature: `${genuine.signature.slice(0, -3)}AAA`,
    }))
    await seal(makeSealKey())
    expect((await audited.verify()).faults).toMatchObject([
      { code: 'seal_forged', position: await position(firstSealed + 2) },
      { code: 'seal_forged', position: await position(firstSealed + 3) },
    ])
  })

  test('finds a second key that only introduces itself', async () => {
    await introduce(audited.council, makeSealKey(), null)
    expect((await audited.verify()).faults).toMatchObject([
      { code: 'sealing_key_forged', position: await position(firstSealed + 2) },
    ])
  })

  test('finds changed copies, and copies from another log', async () => {
    const lines = await copies()
    const changed = (part: object) =>
      sealsFileOf(lines.map((line) => (line.kind === 'seal' ? { ...line, ...part } : line)))
    const verify = async (file: string) => (await verifyWith(file)).faults.map(({ code }) => code)
    expect(await verify(changed({ signature: 'A'.repeat(86) }))).toEqual(['seal_forged'])
    expect(await verify(changed({ chainHead: '0'.repeat(64) }))).toEqual(
      expect.arrayContaining(['seal_differs', 'seal_forged']),
    )
    expect(await verify(changed({ incarnation: 'another' }))).toContain('seal_differs')
  })

  test('refuses malformed files, and accepts a last line that is cut off', async () => {
    const lines = await copies()
    const file = sealsFileOf(lines)
    writeFileSync(file, '{"kind":"se', { flag: 'a' })
    expect(await audited.verify('--seal', file)).toMatchObject({ code: 0 })
    writeFileSync(file, 'al"}\n', { flag: 'a' })
    const run = await cli(audited.settings, ['audit', 'verify', '--seal', file])
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('line 3 is not a seal') })
    expect(await cli(audited.settings, ['audit', 'verify', '--public-key', file])).toMatchObject({ code: 2 })
    expect(await cli(audited.settings, ['audit', 'verify', '--seal', `${file}.away`])).toMatchObject({ code: 2 })
  })
})
