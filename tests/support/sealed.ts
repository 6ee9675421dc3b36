import { createPrivateKey, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { IntroduceSealingKey } from '../../src/commands/seals/introduce-sealing-key.ts'
import { SealLog } from '../../src/commands/seals/seal-log.ts'
import { sealEventOf } from '../../src/events/log/archive/seal-events.ts'
import { introduced, newSealKey, sealed, sealKeyFrom, type SealKey } from '../../src/events/log/archive/seal-key.ts'
import { sealLine, type SealLine } from '../../src/events/log/archive/seals-file.ts'
import type { SealEvent } from '../../src/events/seals.ts'
import type { Postgres } from '../../src/platform/postgres/postgres.ts'
import { archiveAll } from './archived.ts'
import { emptyDataDir } from './cli.ts'
import type { TestCouncil } from './council.ts'
import { identityOf } from './stored-log.ts'

const day = '2026-11-25'

/** A sealing key of a test, with the file of its public key for an auditor. */
export type TestSealKey = SealKey & { publicKeyFile: string }

export function makeSealKey(): TestSealKey {
  const pem = newSealKey()
  const publicKeyFile = join(emptyDataDir(), 'seal-key.pub.pem')
  writeFileSync(publicKeyFile, createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' }))
  return { ...sealKeyFrom(pem), publicKeyFile }
}

export async function introduce(council: TestCouncil, key: SealKey, previous: SealKey | null): Promise<void> {
  await council.execute(IntroduceSealingKey, { day, ...introduced(key, await identityOf(council), previous) })
}

type SealData = Extract<SealEvent, { type: 'LogSealed' }>['data']

/** Archives everything, seals it, and archives the seal. `change` forges the seal. */
export async function sealAll(
  council: TestCouncil,
  postgres: Postgres<unknown>,
  key: SealKey,
  change: (seal: SealData) => SealData = (seal) => seal,
): Promise<void> {
  const checkpoint = await (await archiveAll(council, postgres)).checkpoint()
  if (!checkpoint) throw new Error('there is nothing to seal')
  await council.execute(SealLog, { day, ...change(sealed(key, await identityOf(council), checkpoint)) })
  await archiveAll(council, postgres)
}

/** A copy of every seal in the log, as in SEALS_FILE. */
export async function copiesOf(council: TestCouncil, postgres: Postgres<unknown>): Promise<SealLine[]> {
  const lines = []
  const identity = await identityOf(council)
  for await (const events of (await archiveAll(council, postgres)).read())
    for (const event of events) {
      const seal = sealEventOf(event)
      if (seal) lines.push(sealLine(identity, seal))
    }
  return lines
}

/** A file with copies of seals. */
export function sealsFileOf(lines: readonly SealLine[]): string {
  const file = join(emptyDataDir(), 'seals.jsonl')
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return file
}
