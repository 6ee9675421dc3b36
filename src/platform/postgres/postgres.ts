import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import { Socket } from 'node:net'
import pg from 'pg'
import { z } from 'zod'
import type { Logger } from '../logger.ts'
import { PlatformError, messageOf } from '../platform-error.ts'

export type PostgresOptions = {
  /** postgres://user:password@host:port/database, or for a Unix socket postgres://user@localhost/database?host=/its/folder */
  url: string
  maxConnections: number
  logger: Logger
  /** Shown by pg_stat_activity. */
  name?: string
  /** The server gives up a statement after this; the client a little later, should the server be silent. */
  statementTimeoutMs?: number
  /** How long a transaction may wait for a connection, a new one or a free one. */
  connectTimeoutMs?: number
  /** A transaction that holds a connection for longer fails, and the connection is dropped. Without it only its statements are bounded. */
  transactionTimeoutMs?: number
}

/**
 * A Postgres in which nothing happens outside of a transaction.
 *
 * That is not only tidiness. The embedded Postgres has one session behind all its connections, and its socket server
 * (pglite-socket 0.2.17) lets the messages of several connections overtake each other between a statement's Parse and its
 * Execute, whenever they do not arrive in one piece (from 64 KB on): a client then gets the answer to another's question. Inside
 * a transaction block the server keeps everybody else waiting, and BEGIN is one message, so transactions are safe.
 * Because the session is shared, nothing of a session may be used either: SET (SET LOCAL is fine), temporary tables, LISTEN,
 * advisory locks that outlast their transaction, prepared statements with names.
 * Transactions are not repeated here: only the caller knows whether its work may run twice.
 */
export type Postgres<Database> = {
  /**
   * BEGIN, `work`, COMMIT on one connection; ROLLBACK when `work` throws, and then its error. Everything must go through `tx`.
   * Keep it short: in the embedded Postgres everybody waits for it. What the server refuses is pg's own error, with its SQLSTATE in
   * `code`; PlatformError `postgres_unreachable` when there is no connection, it breaks, or the server is silent for too long.
   * When the connection breaks during COMMIT nobody can say whether it happened.
   */
  transaction: <Result>(work: (tx: Transaction<Database>) => Promise<Result>) => Promise<Result>
  /** The same, read only, and everything in it sees one moment (repeatable read). */
  snapshot: <Result>(work: (tx: Transaction<Database>) => Promise<Result>) => Promise<Result>
  /** Throws `postgres_unreachable` unless the server answers. */
  ping: () => Promise<void>
  /** Waits for running transactions, then closes all connections. */
  close: () => Promise<void>
}

/** The client's own limit, a little after the server's: PGlite has no timers, and a broken network gives no errors. */
const clientTimeoutMs = (statementTimeoutMs: number): number => statementTimeoutMs * 1.2 + 500

/**
 * Makes a pool; connects only when something is asked for. A connection that breaks while it is idle is logged and replaced. One that
 * stays silent is dropped, because what is asked through it next would wait for the same answer.
 */
export function connectPostgres<Database>({
  url,
  maxConnections,
  logger,
  name = 'council',
  statementTimeoutMs = 30_000,
  connectTimeoutMs = 5_000,
  transactionTimeoutMs,
}: PostgresOptions): Postgres<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    application_name: name,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: clientTimeoutMs(statementTimeoutMs),
  })
  // Without listeners the end of a connection would end the process: pg's pool listens to idle clients only, and passes on what
  // it hears; between two statements of a transaction nobody does.
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.warn({ connection: name, err: error }, 'postgres connection lost'))
    dropWhenSilent(client)
  })
  pool.on('error', () => undefined)
  if (transactionTimeoutMs !== undefined) dropAfter(pool, transactionTimeoutMs)
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      throw unreachable(error)
    })
  const database = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: pool.options } }),
  })

  return {
    transaction: (work) => database.transaction().execute(work),
    snapshot: (work) =>
      database.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    ping: async () => {
      try {
        await database.transaction().execute((tx) => sql`select 1`.execute(tx))
      } catch (error) {
        throw error instanceof PlatformError ? error : unreachable(error)
      }
    },
    close: () => database.destroy(),
  }
}

/**
 * Whether an error of a transaction says that Postgres is away, or about to be (connection, resources, shutdown or restart, a time limit),
 * and not that the work itself is wrong.
 */
export const isPostgresOutage = (error: unknown): error is Error =>
  (error instanceof PlatformError && error.code === 'postgres_unreachable') ||
  (error instanceof pg.DatabaseError && /^(08|53|57|58|25P0[34])/.test(error.code ?? ''))

/** What happened to the connection, in the words of every report on it. */
const unreachable = (error: unknown): PlatformError =>
  new PlatformError('postgres_unreachable', `Postgres does not answer: ${reason(error)}`, error)

/** Node gives no message to the failure of several addresses. */
const reason = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error) || 'the connection failed'

/** What pg has of a connection; its types do not name it. */
const Connected = z.object({ connection: z.object({ stream: z.instanceof(Socket) }) })
const drop = (client: pg.PoolClient): void => void Connected.parse(client).connection.stream.destroy()

/** pg leaves a connection in its pool whose statement ran into `query_timeout`; whatever is asked next waits behind that statement. */
function dropWhenSilent(client: pg.PoolClient): void {
  const ask = client.query.bind(client) as (...question: unknown[]) => Promise<unknown>
  client.query = (async (...question: unknown[]) => {
    try {
      return await ask(...question)
    } catch (error) {
      if (error instanceof pg.DatabaseError) throw error
      drop(client)
      throw unreachable(error)
    }
  }) as typeof client.query
}

/** Drops connections that are held for too long: whatever waits for an answer on one then fails. */
function dropAfter(pool: pg.Pool, limitMs: number): void {
  const deadlines = new WeakMap<pg.PoolClient, NodeJS.Timeout>()
  pool.on('acquire', (client) =>
    deadlines.set(
      client,
      setTimeout(() => drop(client), limitMs),
    ),
  )
  pool.on('release', (_error, client) => clearTimeout(deadlines.get(client)))
}
