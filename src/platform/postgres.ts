import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { Logger } from './logger.ts'
import { PlatformError, messageOf } from './platform-error.ts'

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
   * Keep it short: in the embedded Postgres everybody waits for it. Errors are pg's own, with their SQLSTATE in `code`;
   * when the connection breaks during COMMIT nobody can say whether it happened.
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

/** Makes a pool; connects only when something is asked for. A connection that breaks while it is idle is logged and replaced. */
export function connectPostgres<Database>({
  url,
  maxConnections,
  logger,
  name = 'council',
  statementTimeoutMs = 30_000,
  connectTimeoutMs = 5_000,
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
  })
  pool.on('error', () => undefined)
  const database = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })

  return {
    transaction: (work) => database.transaction().execute(work),
    snapshot: (work) => database.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    ping: async () => {
      try {
        await database.transaction().execute((tx) => sql`select 1`.execute(tx))
      } catch (error) {
        throw new PlatformError('postgres_unreachable', `Postgres does not answer: ${messageOf(error)}`, error)
      }
    },
    close: () => database.destroy(),
  }
}
