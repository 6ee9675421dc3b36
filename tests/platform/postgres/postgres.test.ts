import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../../../src/platform/postgres/postgres.ts'
import { databaseKinds, openPostgres, type TestDatabase } from '../../support/databases.ts'
import { silentServer } from '../../support/silent-server.ts'

describe.each(databaseKinds)('a transaction in $kind', ({ open }) => {
  let database: TestDatabase
  let postgres: Postgres<unknown>
  beforeAll(async () => {
    database = await open()
    postgres = database.postgres
    await postgres.transaction((tx) =>
      sql`create table notes (note text unique deferrable initially deferred)`.execute(tx),
    )
  })
  afterAll(() => database.close())

  const write = (note: string) => postgres.transaction((tx) => sql`insert into notes values (${note})`.execute(tx))
  async function has(note: string): Promise<boolean> {
    const { rows } = await postgres.snapshot((tx) => sql`select from notes where note = ${note}`.execute(tx))
    return rows.length === 1
  }

  test('commits if its work succeeds, and resolves with the result of the work', async () => {
    const result = await postgres.transaction(async (tx) => {
      await sql`insert into notes values ('kept')`.execute(tx)
      return 42
    })
    expect([result, await has('kept')]).toEqual([42, true])
  })

  test('rolls back if its work throws, and rejects with the same error', async () => {
    const failure = new Error('changed my mind')
    const attempt = postgres.transaction(async (tx) => {
      await sql`insert into notes values ('dropped')`.execute(tx)
      throw failure
    })
    await expect(attempt).rejects.toBe(failure)
    expect(await has('dropped')).toBe(false)
  })

  test('rejects with the SQLSTATE of a COMMIT that fails', async () => {
    await write('once')
    await expect(write('once')).rejects.toMatchObject({ code: '23505' })
  })

  test('rejects if its work hides an error of the database', async () => {
    const attempt = postgres.transaction(async (tx) => {
      await sql`insert into notes values ('lost')`.execute(tx)
      await sql`select 1/0`.execute(tx).catch(() => undefined)
    })
    await expect(attempt).rejects.toThrow()
    expect(await has('lost')).toBe(false)
  })

  test('does not affect other transactions when it fails', async () => {
    const failing = Array.from({ length: 20 }, () =>
      postgres.transaction((tx) => sql`select nothing from nowhere`.execute(tx)),
    )
    const working = Array.from({ length: 20 }, (_, n) => write(`next to failures ${n}`))
    const outcomes = await Promise.allSettled([...failing, ...working])
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...failing.map(() => 'rejected'),
      ...working.map(() => 'fulfilled'),
    ])
  })

  test('gets its own results while other transactions send large statements', async () => {
    const large = 'x'.repeat(300_000)
    const ask = (n: number) =>
      postgres.transaction((tx) =>
        sql<{ n: number; length: number }>`select ${sql.lit(n)}::int as n, length(${large}) as length`.execute(tx),
      )
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)))
    expect(answers.map(({ rows }) => rows)).toEqual(Array.from({ length: 40 }, (_, n) => [{ n, length: 300_000 }]))
  })

  test('is repeatable and read-only as a snapshot', async () => {
    const isolation = postgres.snapshot((tx) =>
      sql`select current_setting('transaction_isolation') as level`.execute(tx),
    )
    expect((await isolation).rows).toEqual([{ level: 'repeatable read' }])
    await expect(
      postgres.snapshot((tx) => sql`insert into notes values ('by a reader')`.execute(tx)),
    ).rejects.toMatchObject({ code: '25006' })
  })
})

describe('a pool', () => {
  function connect(url: string, options: { statementTimeoutMs?: number; name?: string } = {}): Postgres<unknown> {
    const postgres = connectPostgres<unknown>({ url, maxConnections: 1, logger: silentLogger, ...options })
    onTestFinished(postgres.close)
    return postgres
  }

  async function realServer(options: { statementTimeoutMs?: number; name?: string }) {
    const database = await openPostgres()
    onTestFinished(database.close)
    return { postgres: connect(database.url, options), admin: database.postgres }
  }

  test('reports a server that does not exist', async () => {
    const postgres = connect('postgres://postgres@localhost/postgres?host=/nowhere')
    await expect(postgres.ping()).rejects.toMatchObject({ code: 'postgres_unreachable' })
  })

  test('waits a bounded time for a server that accepts connections and then is silent', async () => {
    const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
    const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
    const port = await silentServer((socket) =>
      socket.once('data', () => socket.write(Buffer.concat([authenticated, ready]))),
    )
    const postgres = connect(`postgres://postgres@127.0.0.1:${port}/postgres`, { statementTimeoutMs: 50 })
    await expect(postgres.ping()).rejects.toMatchObject({ code: 'postgres_unreachable' })
  })

  test('cancels a statement that takes too long', async () => {
    const { postgres } = await realServer({ statementTimeoutMs: 100 })
    const slow = postgres.transaction((tx) => sql`select pg_sleep(600)`.execute(tx))
    await expect(slow).rejects.toMatchObject({ code: '57014' })
    await postgres.ping()
  })

  const terminate = async (admin: Postgres<unknown>, name: string) => {
    const { rows } = await admin.transaction((tx) =>
      sql`select pg_terminate_backend(pid, 10000) as ended from pg_stat_activity where application_name = ${name}`.execute(
        tx,
      ),
    )
    return rows
  }

  test('survives the end of a connection in a transaction, which fails', async () => {
    const { postgres, admin } = await realServer({ name: 'busy victim' })
    const attempt = postgres.transaction(async (tx) => {
      await sql`select 1`.execute(tx)
      // No statement runs here, so only the client itself notices the end. The second call finds no such connection.
      while ((await terminate(admin, 'busy victim')).length > 0);
      await sql`select 1`.execute(tx)
    })
    await expect(attempt).rejects.toThrow()
    await postgres.ping()
  })

  test('survives the end of an idle connection', async () => {
    const { postgres, admin } = await realServer({ name: 'victim' })
    await postgres.ping()
    expect(await terminate(admin, 'victim')).toEqual([{ ended: true }])
    // Until its socket reports the end, the pool may hand out the dead connection once.
    await postgres.ping().catch(() => undefined)
    await postgres.ping()
  })
})
