import { writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { chainStart, extendChain } from '../../../src/events/log/archive/chain.ts'
import { storedEvent } from '../../../src/events/log/read/stored-event.ts'
import { fieldOf, openAuditedCouncil, withField, type AuditedCouncil } from '../../support/audited.ts'
import { council as cli } from '../../support/cli.ts'
import { openTestCouncil, testMacs } from '../../support/council.ts'
import { databaseKinds, type TestDatabase } from '../../support/databases.ts'
import { backup, loseEverything } from '../../support/lost.ts'
import { answeredPrompt } from '../../support/history.ts'
import { copiesOf, introduce, makeSealKey, sealAll, sealsFileOf, type TestSealKey } from '../../support/sealed.ts'
import { redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

let db: TestDatabase
let audited: AuditedCouncil
let key: TestSealKey
beforeAll(async () => {
  db = await databaseKinds[0]!.open()
})
beforeEach(async () => {
  audited = await openAuditedCouncil(redisUrl, db)
  key = makeSealKey()
  await introduce(audited.council, key, null)
  await sealAll(audited.council, db.postgres, key)
})
afterEach(() => audited.council.close())
afterAll(() => db.close())

const copies = () => copiesOf(audited.council, db.postgres)
const position = async (n: number) => (await audited.entries())[n - 1]?.[0]

/** Everything from the nth event on is gone, and nothing in the box shows it. */
async function cutOff(putBack: () => Promise<void>, n: number): Promise<void> {
  await putBack()
  await audited.query(`delete from event_archive where sequence >= ${n}`)
  await audited.query(
    'update archive_checkpoint set (sequence, position, chain_head) = (select sequence, position, chain_head from event_archive order by sequence desc limit 1)',
  )
  await audited.query('truncate projections')
}

describe('council audit verify, with seals,', () => {
  test('follows the keys, and knows what was kept outside', async () => {
    const next = makeSealKey()
    await introduce(audited.council, next, key)
    await answeredPrompt(audited.council)
    await sealAll(audited.council, db.postgres, next)
    const file = sealsFileOf(await copies())
    expect(await audited.verify()).toMatchObject({
      code: 0,
      summary: { seals: { seals: 2, outside: 0, newestOutside: null, keyIds: [key.keyId, next.keyId] } },
    })
    for (const { publicKeyFile } of [key, next])
      expect(await audited.verify('--seal', file, '--public-key', publicKeyFile)).toMatchObject({
        code: 0,
        faults: [],
        summary: { seals: { outside: 2, newestOutside: 50 } },
      })
    expect(await audited.verify('--public-key', makeSealKey().publicKeyFile)).toMatchObject({
      code: 1,
      faults: [{ code: 'sealing_key_forged' }],
    })
    expect(await audited.verify('--seal', file)).toMatchObject({
      code: 0,
      summary: { unknown: expect.arrayContaining([expect.stringContaining('--public-key')]) },
    })
  })

  test('finds a tail that was cut off everywhere in the box, with a seal from outside alone', async () => {
    const putBack = await backup(audited.council)
    await answeredPrompt(audited.council)
    await sealAll(audited.council, db.postgres, key)
    const [kept, sealedAt] = [sealsFileOf(await copies()), await position(48)]
    await cutOff(putBack, 41)
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
    const { code, faults } = await audited.verify('--seal', kept, '--public-key', key.publicKeyFile)
    expect(code).toBe(1)
    expect(faults).toMatchObject([
      { code: 'truncated_tail', position: sealedAt, sequence: 48 },
      { code: 'truncated_tail', sequence: 49 },
    ])
  })

  test('finds a log that was cut off, continued and sealed again', async () => {
    const putBack = await backup(audited.council)
    await answeredPrompt(audited.council)
    await sealAll(audited.council, db.postgres, key)
    const kept = sealsFileOf(await copies())
    await cutOff(putBack, 41)
    const forger = await openTestCouncil(redisUrl, audited.council.councilId)
    for (let n = 0; n < 10; n++) await forger.execute(OpenAccount, { account: id(`agent:eve-${n}`) })
    await sealAll(forger, db.postgres, key)
    forger.close()
    expect(await audited.verify()).toMatchObject({ code: 0, faults: [] })
    const { faults } = await audited.verify('--seal', kept, '--public-key', key.publicKeyFile)
    expect(faults[0]).toMatchObject({ code: 'seal_differs', position: await position(48), sequence: 48 })
  })

  test('finds a history that was written anew by somebody with every key of the box, with a seal from outside alone', async () => {
    const kept = sealsFileOf(await copies())
    const incarnation = (await audited.council.redis.hget(audited.council.keys.meta, 'incarnation'))!
    await loseEverything(audited.council)
    await audited.query('truncate event_archive, archive_checkpoint, projections')
    await audited.council.redis.hset(audited.council.keys.meta, 'incarnation', incarnation)
    const forger = await openTestCouncil(redisUrl, audited.council.councilId)
    for (let n = 0; n < 30; n++) await forger.execute(OpenAccount, { account: id(`agent:eve-${n}`) })
    await introduce(forger, key, null)
    await sealAll(forger, db.postgres, key)
    forger.close()
    expect(await audited.verify('--public-key', key.publicKeyFile)).toMatchObject({ code: 0, faults: [] })
    const { faults } = await audited.verify('--seal', kept, '--public-key', key.publicKeyFile)
    expect(faults[0]).toMatchObject({ code: 'seal_differs', sequence: 39, position: await position(39) })
    const own = makeSealKey()
    const { faults: byKey } = await audited.verify('--public-key', own.publicKeyFile)
    expect(byKey[0]).toMatchObject({ code: 'sealing_key_forged' })
  })

  test('finds an event that was rewritten with its MAC and the chain behind it', async () => {
    const { council } = audited
    const incarnation = (await council.redis.hget(council.keys.meta, 'incarnation'))!
    await audited.rewrite((entries) =>
      entries.map((entry, index) => {
        if (index !== 7) return entry
        const changed = storedEvent(withField(entry, 'data', fieldOf(entry, 'data').replace('story', 'stolen')))
        return withField(withField(entry, 'data', changed.data), 'mac', testMacs.make({ incarnation, ...changed }))
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
    const { faults } = await audited.verify()
    expect(faults).toMatchObject([
      {
        code: 'seal_differs',
        position: await position(39),
        message: expect.stringContaining('it, or an event before it, was changed'),
      },
    ])
  })

  test('finds a seal with a wrong signature, and one of a key that nobody introduced', async () => {
    await sealAll(audited.council, db.postgres, key, (seal) => ({
      ...seal,
      signature: `${seal.signature.slice(0, -3)}AAA`,
    }))
    await sealAll(audited.council, db.postgres, makeSealKey())
    const { faults } = await audited.verify()
    expect(faults).toMatchObject([
      { code: 'seal_forged', position: await position(41) },
      { code: 'seal_forged', position: await position(42) },
    ])
  })

  test('finds a second key that only introduces itself', async () => {
    await introduce(audited.council, makeSealKey(), null)
    expect((await audited.verify()).faults).toMatchObject([
      { code: 'sealing_key_forged', position: await position(41) },
    ])
  })

  test('finds copies that were changed, and those of another log', async () => {
    const lines = await copies()
    const changed = (part: object) =>
      sealsFileOf(lines.map((line) => (line.kind === 'seal' ? { ...line, ...part } : line)))
    const verify = async (file: string) =>
      (await audited.verify('--seal', file, '--public-key', key.publicKeyFile)).faults.map(({ code }) => code)
    expect(await verify(changed({ signature: 'A'.repeat(86) }))).toEqual(['seal_forged'])
    expect(await verify(changed({ chainHead: '0'.repeat(64) }))).toEqual(
      expect.arrayContaining(['seal_differs', 'seal_forged']),
    )
    expect(await verify(changed({ incarnation: 'another' }))).toContain('seal_differs')
  })

  test('refuses files that are not what they should be, and forgives a last line that is cut off', async () => {
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
