import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../../../src/platform/postgres/postgres.ts'
import { databaseKinds, type TestDatabase } from '../../support/databases.ts'

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

  test('keeps everything when its work succeeds, and gives back what the work returned', async () => {
    const result = await postgres.transaction(async (tx) => {
      await sql`insert into notes values ('kept')`.execute(tx)
      return 42
    })
    expect([result, await has('kept')]).toEqual([42, true])
  })

  test('keeps nothing when its work throws, and throws the same', async () => {
    const failure = new Error('changed my mind')
    const attempt = postgres.transaction(async (tx) => {
      await sql`insert into notes values ('dropped')`.execute(tx)
      throw failure
    })
    await expect(attempt).rejects.toBe(failure)
    expect(await has('dropped')).toBe(false)
  })

  test('that fails in its COMMIT says so with the SQLSTATE', async () => {
    await write('once')
    await expect(write('once')).rejects.toMatchObject({ code: '23505' })
  })

  test('whose work hides an error of the database does not pass for committed', async () => {
    const attempt = postgres.transaction(async (tx) => {
      await sql`insert into notes values ('lost')`.execute(tx)
      await sql`select 1/0`.execute(tx).catch(() => undefined)
    })
    await expect(attempt).rejects.toThrow()
    expect(await has('lost')).toBe(false)
  })

  test('does not disturb others when it fails', async () => {
    const failing = Array.from({ length: 20 }, () =>
      postgres.transaction((tx) => sql`select nothing from nowhere`.execute(tx)),
    )
    const working = Array.from({ length: 20 }, (_, n) => write(`beside failures ${n}`))
    const outcomes = await Promise.allSettled([...failing, ...working])
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...failing.map(() => 'rejected'),
      ...working.map(() => 'fulfilled'),
    ])
  })

  test('gets its own answers, however large the questions of the others beside it', async () => {
    const large = 'x'.repeat(300_000)
    const ask = (n: number) =>
      postgres.transaction((tx) =>
        sql<{ n: number; length: number }>`select ${sql.lit(n)}::int as n, length(${large}) as length`.execute(tx),
      )
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)))
    expect(answers.map(({ rows }) => rows)).toEqual(Array.from({ length: 40 }, (_, n) => [{ n, length: 300_000 }]))
  })

  test('that is a snapshot sees one moment, and cannot write', async () => {
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
  const cleanUp: (() => unknown)[] = []
  afterAll(async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo()
  })

  /** A server that lets everybody in and then never answers, as one behind a cut network does. */
  async function silentServer(): Promise<string> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
      const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
      socket.once('data', () => socket.write(Buffer.concat([authenticated, ready])))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    cleanUp.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `postgres://postgres@127.0.0.1:${address.port}/postgres`
  }

  async function realServer(options: { statementTimeoutMs?: number; name?: string }) {
    const kind = databaseKinds.find((candidate) => candidate.kind === 'PostgreSQL')
    if (!kind) throw new Error('no PostgreSQL')
    const database = await kind.open()
    const postgres = connectPostgres({ url: database.url, maxConnections: 1, logger: silentLogger, ...options })
    cleanUp.push(database.close, postgres.close)
    return { postgres, admin: database.postgres }
  }

  test('says that nobody is there', async () => {
    const postgres = connectPostgres({
      url: 'postgres://postgres@localhost/postgres?host=/nowhere',
      maxConnections: 1,
      logger: silentLogger,
    })
    cleanUp.push(postgres.close)
    await expect(postgres.ping()).rejects.toMatchObject({ code: 'postgres_unreachable' })
  })

  test('does not wait for ever for a server that is silent', async () => {
    const postgres = connectPostgres({
      url: await silentServer(),
      maxConnections: 1,
      logger: silentLogger,
      statementTimeoutMs: 50,
    })
    cleanUp.push(postgres.close)
    await expect(postgres.ping()).rejects.toMatchObject({ code: 'postgres_unreachable' })
  })

  test('has the server give up a statement that takes too long', async () => {
    const { postgres } = await realServer({ statementTimeoutMs: 100 })
    await expect(postgres.transaction((tx) => sql`select pg_sleep(600)`.execute(tx))).rejects.toMatchObject({
      code: '57014',
    })
    await postgres.ping()
  })

  test('outlives the end of a connection in the middle of a transaction, which fails', async () => {
    const { postgres, admin } = await realServer({ name: 'busy victim' })
    const attempt = postgres.transaction(async (tx) => {
      await sql`select 1`.execute(tx)
      await admin.transaction((other) =>
        sql`select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'busy victim'`.execute(
          other,
        ),
      )
      // The end arrives here, while nothing is asked: nobody but the client itself can hear of it.
      while (
        (
          await admin.snapshot((other) =>
            sql`select from pg_stat_activity where application_name = 'busy victim'`.execute(other),
          )
        ).rows.length > 0
      );
      await sql`select 1`.execute(tx)
    })
    await expect(attempt).rejects.toThrow()
    await postgres.ping()
  })

  test('outlives the end of an idle connection', async () => {
    const { postgres, admin } = await realServer({ name: 'victim' })
    await postgres.ping()
    const { rows } = await admin.transaction((tx) =>
      sql`select pg_terminate_backend(pid, 10000) as ended from pg_stat_activity where application_name = 'victim'`.execute(
        tx,
      ),
    )
    expect(rows).toEqual([{ ended: true }])
    // The pool learns of it from its socket, in its own time; until then it may hand out the dead connection once.
    await postgres.ping().catch(() => undefined)
    await postgres.ping()
  })
})
