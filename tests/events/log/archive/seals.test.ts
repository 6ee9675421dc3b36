import { generateKeyPairSync, verify } from 'node:crypto'
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SealLog } from '../../../../src/commands/seals/seal-log.ts'
import type { RecordedEvent } from '../../../../src/events/event.ts'
import { beginning, type Position } from '../../../../src/events/identifiers.ts'
import type { Archive } from '../../../../src/events/log/archive/archive.ts'
import { chooseSealKey } from '../../../../src/events/log/archive/choose-seal-key.ts'
import { newestSealKey } from '../../../../src/events/log/archive/newest-seal-key.ts'
import { startSealCopies } from '../../../../src/events/log/archive/seal-copies.ts'
import {
  introduced,
  isGenuineIntroduction,
  isGenuineSeal,
  newSealKey,
  sealed,
  sealKeyFrom,
} from '../../../../src/events/log/archive/seal-key.ts'
import { sealedSoFar, startSealer, type SealerDependencies } from '../../../../src/events/log/archive/sealer.ts'
import { SealLine, sealsFile, sealsOutput, type SealsOut } from '../../../../src/events/log/archive/seals-file.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import { allArchived, archive, councilWithArchive } from '../../../support/archived-council.ts'
import { identityOf, storedLogOf } from '../../../support/stored-log.ts'
import type { TestCouncil } from '../../../support/council.ts'
import { databaseKinds } from '../../../support/databases.ts'
import { answeredPrompt, eventsOfPrompts, eventsPerPrompt } from '../../../support/history.ts'
import { introduce, sealAll } from '../../../support/sealed.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'
import { redisUrl } from '../../../support/shared-servers.ts'

const identity = { councilId: 'main', incarnation: 'first' }
const [key, other] = [sealKeyFrom(newSealKey()), sealKeyFrom(newSealKey())]
const checkpoint = { sequence: 7, position: '7-7' as Position, chainHead: Buffer.alloc(32, 7) }
const day = '2026-11-23'

describe('a seal', () => {
  const seal = sealed(key, identity, checkpoint)

  test('is genuine under its key, for its log, in every field', () => {
    expect(isGenuineSeal(identity, seal, key.publicKey)).toBe(true)
    expect(isGenuineSeal(identity, seal, other.publicKey)).toBe(false)
    expect(isGenuineSeal({ ...identity, councilId: 'other' }, seal, key.publicKey)).toBe(false)
    expect(isGenuineSeal({ ...identity, incarnation: 'second' }, seal, key.publicKey)).toBe(false)
    const changes = [
      { sequence: 8 },
      { position: '7-8' as Position },
      { chainHead: 'ab'.repeat(32) },
      { keyId: other.keyId },
      { signature: sealed(other, identity, checkpoint).signature },
    ]
    for (const change of changes) expect(isGenuineSeal(identity, { ...seal, ...change }, key.publicKey)).toBe(false)
    expect(isGenuineSeal(identity, seal, 'no key')).toBe(false)
  })

  test('is Ed25519 over the documented text', () => {
    const text = [
      'hybrid-ai-council seal 1',
      'council main',
      'incarnation first',
      'sequence 7',
      'position 7-7',
      `chain ${'07'.repeat(32)}`,
      `key ${key.keyId}`,
      '',
    ].join('\n')
    const publicKey = { key: Buffer.from(key.publicKey, 'base64url'), format: 'der', type: 'spki' } as const
    expect(verify(null, Buffer.from(text), publicKey, Buffer.from(seal.signature, 'base64url'))).toBe(true)
  })
})

describe('a sealing key', () => {
  test('is introduced by itself, or by the one before it', () => {
    const first = introduced(key, identity, null)
    const second = introduced(other, identity, key)
    expect(isGenuineIntroduction(identity, first, null)).toBe(true)
    expect(isGenuineIntroduction(identity, second, key.publicKey)).toBe(true)
    expect(isGenuineIntroduction(identity, second, null)).toBe(false)
    expect(isGenuineIntroduction(identity, { ...second, publicKey: key.publicKey }, key.publicKey)).toBe(false)
    expect(isGenuineIntroduction({ ...identity, incarnation: 'second' }, second, key.publicKey)).toBe(false)
  })

  test('must be an Ed25519 key', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    expect(() => sealKeyFrom(rsa)).toThrow('not for Ed25519')
    expect(() => sealKeyFrom('no key')).toThrow()
  })

  const choice = { newest: null, key: null, previous: null, keyFile: '/keys/seal.pem', make: () => key }
  const newest = introduced(key, identity, null)

  test('is created if the log was never sealed', () => {
    expect(chooseSealKey(identity, choice)).toMatchObject({ key, introduction: { by: null, keyId: key.keyId } })
  })

  test('that sealed before stays in use', () => {
    expect(chooseSealKey(identity, { ...choice, newest, key })).toEqual({ key, introduction: null })
  })

  test('that is missing while seals exist is not created again', () => {
    expect(() => chooseSealKey(identity, { ...choice, newest })).toThrow(
      expect.objectContaining({ code: 'seal_key_missing', message: expect.stringContaining('/keys/seal.pem') }),
    )
  })

  test('without an introduction is refused', () => {
    expect(() => chooseSealKey(identity, { ...choice, newest, key: other })).toThrow(
      expect.objectContaining({ code: 'seal_key_unknown', message: expect.stringContaining('SEAL_PREVIOUS_KEY_FILE') }),
    )
    expect(() => chooseSealKey(identity, { ...choice, newest, key: other, previous: other })).toThrow(
      expect.objectContaining({ code: 'seal_key_unknown' }),
    )
  })

  test('replaces the key that signs it', () => {
    const { key: chosen, introduction } = chooseSealKey(identity, { ...choice, newest, key: other, previous: key })
    expect(chosen).toBe(other)
    expect(introduction && isGenuineIntroduction(identity, introduction, key.publicKey)).toBe(true)
  })
})

describe.each(databaseKinds)('a log archived in $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  let council: TestCouncil
  let stored: Archive
  beforeEach(async () => {
    ;({ council, stored } = await councilWithArchive(db))
  })

  /** An archiver that seals, and the current seals of the log. */
  async function sealing(part: Partial<SealerDependencies>) {
    const own = await identityOf(council)
    const record: SealerDependencies['record'] = async (seal) => void (await council.execute(SealLog, { day, ...seal }))
    const sealer = startSealer(
      { identity: own, key, everyEvents: 1_000, everyMs: 3_600_000, record, logger: silentLogger, ...part },
      await sealedSoFar(stored),
    )
    const archiver = await archive(council, redisUrl, db, { onArchived: sealer.archived })
    onTestFinished(sealer.stop)
    return { archiver, sealer, own }
  }
  const sealsIn = (events: readonly RecordedEvent[]) =>
    events.filter(({ type }) => type === 'LogSealed').map(({ data }) => data as ReturnType<typeof sealed>)
  const seals = async () => sealsIn(await council.events())
  /** Resolves when the log has seals that meet a condition. */
  const sealsThat = async (suffice: (found: ReturnType<typeof sealsIn>) => boolean) => {
    const found = []
    for await (const events of council.log.follow(beginning, AbortSignal.timeout(10_000))) {
      found.push(...sealsIn(events))
      if (suffice(found)) return
    }
    throw new Error(`there are only ${found.length} seals`)
  }
  const newSeals = (count: number) => sealsThat((found) => found.length >= count)
  /** Resolves when a seal covers the whole log except for seals. */
  const allSealed = async () => {
    const newest = (await council.events()).findLast(({ type }) => type !== 'LogSealed')!.sequence
    await sealsThat((found) => found.some(({ sequence }) => sequence >= newest))
  }

  test('is sealed after a number of events, over the archived chain', async () => {
    const { archiver, own } = await sealing({ everyEvents: 8 })
    await answeredPrompt(council)
    await newSeals(1)
    await allArchived(archiver, council)
    const [seal] = await seals()
    const { sequence, position, chainHead } = seal!
    expect(isGenuineSeal(own, seal!, key.publicKey)).toBe(true)
    for await (const [event] of stored.read({ upTo: position, direction: 'backward', limit: 1 })) {
      expect(event).toMatchObject({ sequence, position })
      expect(event!.chainHead.toString('hex')).toBe(chainHead)
    }
  })

  test('is sealed when the first event after a seal is old enough, and not again if only seals are new', async () => {
    const { archiver, sealer } = await sealing({ everyMs: 1 })
    await answeredPrompt(council)
    await allSealed()
    await sealer.stop()
    await allArchived(archiver, council)
    const last = (await seals()).at(-1)!
    const again = await sealing({ everyMs: 1 })
    await allArchived(again.archiver, council)
    const before = (await seals()).length
    expect(again.sealer.status().sealed).toBe(last.sequence)
    await answeredPrompt(council)
    await newSeals(before + 1)
    const sealedPrompts = (await seals()).map(({ sequence }) => sequence)
    // Each seal covers events that no earlier seal covers.
    expect(sealedPrompts).toEqual(sealedPrompts.toSorted((a, b) => a - b))
    expect(new Set(sealedPrompts).size).toBe(sealedPrompts.length)
  })

  test('is sealed after the fault that prevented sealing is over', async () => {
    let failures = 2
    const { sealer } = await sealing({
      everyEvents: 1,
      pause: () => Promise.resolve(),
      record: async (seal) => {
        if (failures-- > 0) throw new Error('the log is away')
        await council.execute(SealLog, { day, ...seal })
      },
    })
    await answeredPrompt(council)
    await newSeals(1)
    await sealer.stop()
    expect(sealer.status()).toMatchObject({ fault: null })
  })

  /** What the seals of `sealedTwice` cover: the introduction and a prompt, and then also the first seal and another prompt. */
  const firstSealed = 1 + eventsOfPrompts(1)
  const secondSealed = firstSealed + 1 + eventsPerPrompt
  const sealedTwice = async () => {
    const own = await identityOf(council)
    await introduce(council, key, null)
    for (const _ of ['first', 'second']) {
      await answeredPrompt(council)
      await sealAll(council, db.postgres, key)
    }
    return own
  }
  const newFile = () => join(mkdtempSync(join(tmpdir(), 'seals-')), 'seals.jsonl')
  const linesIn = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => SealLine.parse(JSON.parse(line)))
  const linesOf = (path: string) => linesIn(readFileSync(path, 'utf8'))

  /** Copies until this many lines were appended in total, or until copying stops at a fault. */
  async function copied(own: typeof identity, out: SealsOut, count: number): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    let left = count
    const counting: SealsOut = {
      ...out,
      append(lines) {
        out.append(lines)
        left -= lines.length
        if (left <= 0) resolve(undefined)
      },
    }
    const copies = startSealCopies({
      identity: own,
      archive: stored,
      out: counting,
      logger: { ...silentLogger, error: () => resolve(undefined) } as never,
    })
    await promise
    await copies.stop()
    return copies.fault()?.code
  }

  test('has its key and every seal copied to a file, whichever process made them', async () => {
    const own = await sealedTwice()
    const path = newFile()
    await copied(own, sealsFile(path), 3)
    const lines = linesOf(path)
    expect(lines.map(({ kind }) => kind)).toEqual(['key', 'seal', 'seal'])
    expect(lines).toMatchObject([
      { publicKey: key.publicKey },
      { sequence: firstSealed },
      { sequence: secondSealed, council: council.councilId, incarnation: own.incarnation },
    ])
    for (const { kind, council: _, incarnation: _i, event: _e, recordedAt: _r, ...data } of lines)
      expect(kind === 'key' || isGenuineSeal(own, data as never, key.publicKey)).toBe(true)
  })

  test('has a seal copied that a crash left out, and a partial line removed', async () => {
    const own = await sealedTwice()
    const path = newFile()
    await copied(own, sealsFile(path), 3)
    const whole = readFileSync(path, 'utf8')
    const cut = newFile()
    const lines = whole.trimEnd().split('\n')
    appendFileSync(cut, `${lines[0]}\n${lines[1]}\n${lines[2]!.slice(0, 30)}`)
    await copied(own, sealsFile(cut), 1)
    expect(readFileSync(cut, 'utf8')).toBe(whole)
  })

  test('with a file that ends with an unknown seal is reported to differ', async () => {
    const own = await sealedTwice()
    const path = newFile()
    await copied(own, sealsFile(path), 3)
    const last = linesOf(path).at(-1)!
    const unknown = { ...last, event: { ...last.event, sequence: last.event.sequence - 1 } }
    appendFileSync(path, `${JSON.stringify(unknown)}\n`)
    expect(await copied(own, sealsFile(path), 1)).toBe('seals_differ')
    expect(await copied({ ...own, incarnation: 'another' }, sealsFile(path), 1)).toBe('seals_differ')
  })

  test('has its newest key and seal repeated on an output that cannot be read back', async () => {
    const own = await sealedTwice()
    let text = ''
    await copied(own, sealsOutput({ write: (part) => void (text += part) }), 2)
    expect(linesIn(text)).toMatchObject([{ kind: 'key' }, { kind: 'seal', sequence: secondSealed }])
  })

  test('returns its newest sealing key, archived or not', async () => {
    const log = storedLogOf(council, redisUrl)
    expect(await newestSealKey(stored, log)).toBeNull()
    await sealedTwice()
    expect(await newestSealKey(stored, log)).toMatchObject({ keyId: key.keyId })
    await introduce(council, other, key)
    expect(await newestSealKey(stored, log)).toMatchObject({ keyId: other.keyId, by: key.keyId })
  })
})
