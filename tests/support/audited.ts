import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { aggregateOf, deadlineRules } from '../../src/commands/registry.ts'
import { ListPrice } from '../../src/commands/prices/list-price.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../src/commands/treasury/reserve-funds.ts'
import { SettleReservation } from '../../src/commands/treasury/settle-reservation.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import type { StreamEntry } from '../../src/events/log/read/stored-event.ts'
import { PriceName } from '../../src/events/prices.ts'
import { migrate } from '../../src/projections/engine/migrate.ts'
import { readModels } from '../../src/projections/read-models.ts'
import { archiveAll } from './archived.ts'
import { council as cli, emptyDataDir } from './cli.ts'
import { newId, openTestCouncil, testMacKey, type TestCouncil } from './council.ts'
import { openPostgres, type TestDatabase } from './databases.ts'
import { answeredPrompt, applyStep, newPrompt } from './history.ts'
import { rebuildNow } from './read-models.ts'
import { freshCouncilId, redisUrl as sharedRedisUrl } from './shared-servers.ts'
import { id } from './treasury.ts'

/** A council with money, prompts, read models and an archive, with the tools of an auditor and of an intruder. */
export type AuditedCouncil = {
  council: TestCouncil
  settings: Record<string, string>
  /** `council audit verify`: its faults and its summary. */
  verify: (
    ...args: string[]
  ) => Promise<{ code: number; stderr: string; faults: Record<string, unknown>[]; summary: Record<string, unknown> }>
  /** Every entry of the log in Redis. */
  entries: () => Promise<StreamEntry[]>
  /** Replaces the entries of the log in Redis, as an intruder with write access can. */
  rewrite: (change: (entries: StreamEntry[]) => StreamEntry[]) => Promise<void>
  archive: () => Promise<unknown>
  /** Runs a statement in the database of the archive. */
  query: (text: string) => Promise<unknown>
}

/** A file with the keys of every test's processes. */
export function macKeyFile(): string {
  const file = join(emptyDataDir(), 'mac-key')
  writeFileSync(file, `${testMacKey.toString('base64url')}\n`, { mode: 0o600 })
  return file
}

/**
 * Opens an audited council before the tests of the file or block that calls this, or with `renewed` before each of
 * them. The fields of the result are set then.
 */
export function auditedForTests({ open = openPostgres, renewed = false } = {}): AuditedCouncil & { db: TestDatabase } {
  const audited = {} as AuditedCouncil & { db: TestDatabase }
  beforeAll(async () => {
    audited.db = await open()
  })
  const begin = renewed ? beforeEach : beforeAll
  const end = renewed ? afterEach : afterAll
  begin(async () => {
    Object.assign(audited, await openAuditedCouncil(sharedRedisUrl, audited.db))
  })
  end(() => audited.council.close())
  afterAll(() => audited.db.close())
  return audited
}

export async function openAuditedCouncil(redisUrl: string, db: TestDatabase): Promise<AuditedCouncil> {
  await db.empty()
  await migrate(db.postgres)
  const council = await openTestCouncil(redisUrl, freshCouncilId())
  await tellStory(council)
  await council.log.indexDeadlines(aggregateOf, deadlineRules)
  for (const projection of readModels) await rebuildNow(council.log, db.postgres, projection)
  const { redis, keys } = council
  const settings = {
    REDIS_URL: redisUrl,
    DATABASE_URL: db.url,
    COUNCIL_ID: council.councilId,
    MAC_KEY_FILE: macKeyFile(),
  }
  const entries = (): Promise<StreamEntry[]> => redis.xrange(keys.log, '-', '+')
  return {
    council,
    settings,
    entries,
    async verify(...args) {
      const run = await cli(settings, ['audit', 'verify', '--json', ...args])
      const lines = run.code === 2 ? [] : run.json()
      return {
        code: run.code,
        stderr: run.stderr,
        faults: lines.filter(({ kind }) => kind === 'fault'),
        summary: lines.at(-1) ?? {},
      }
    },
    async rewrite(change) {
      const changed = change(await entries())
      const pipeline = redis.multi().del(keys.log)
      for (const [position, fields] of changed) pipeline.xadd(keys.log, position, ...fields)
      await pipeline.exec()
    },
    archive: () => archiveAll(council, db.postgres),
    query: (text) => db.postgres.transaction((tx) => sql.raw(text).execute(tx)),
  }
}

/** The events of the story that an audited council tells. */
export const storyEvents = 44
/** Money that moves, is reserved and is spent, a price, a refusal, and prompts of which one is not answered yet. */
async function tellStory(council: TestCouncil): Promise<void> {
  const accountOf = (name: string) => council.execute(OpenAccount, { account: id(name) })
  for (const name of ['external', 'reserve', 'agent:ada', 'agent:bob', 'agent:bob']) await accountOf(name)
  const transfer = (from: string, to: string, amountMicros: number) =>
    council.execute(TransferFunds, { transferId: newId(), from: id(from), to: id(to), amountMicros, reason: 'story' })
  await transfer('external', 'reserve', 100_000_000)
  await Promise.all([transfer('reserve', 'agent:ada', 50_000_000), transfer('reserve', 'agent:bob', 20_000_000)])
  await answeredPrompt(council, 'Why is the sky blue?\n\u0000 ¥ \ud800')
  const reservationId = newId()
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  await council.execute(
    ReserveFunds,
    { account: id('agent:ada'), reservationId, amountMicros: 900_000, expiresAt },
    reservationId,
  )
  await council.execute(SettleReservation, { account: id('agent:ada'), reservationId, actualMicros: 700_000 })
  await answeredPrompt(council)
  const rates = { promptMicrosPer1000: 1, cachedPromptMicrosPer1000: 1, completionMicrosPer1000: 1 }
  await council.execute(ListPrice, { name: PriceName.parse('story'), priceRef: 'story@1/1', ...rates })
  const open = newPrompt('Who is still waiting?')
  for (const step of ['submit', 'attempt', 'call'] as const) await applyStep(council, open, step)
}

/** The value of an entry's field. */
export const fieldOf = ([, fields]: StreamEntry, name: string): string => fields[fields.indexOf(name) + 1] ?? ''

/** The entry with other values in these fields. */
export const withFields = ([position, fields]: StreamEntry, values: Record<string, string | number>): StreamEntry => {
  const changed = [...fields]
  for (const [name, value] of Object.entries(values)) changed[changed.indexOf(name) + 1] = String(value)
  return [position, changed]
}
