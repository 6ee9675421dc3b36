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
  /** The server cancels a statement after this time; the client gives up a little later if the server is silent. */
  statementTimeoutMs?: number
  /** How long a transaction may wait for a connection, a new one or a free one. */
  connectTimeoutMs?: number
  /** A transaction that holds a connection for longer fails, and the connection is dropped. Without it only its statements are bounded. */
  transactionTimeoutMs?: number
}

/**
 * A Postgres client that runs everything in transactions.
 *
 * The embedded Postgres requires this. All its connections share one session, and its socket server
 * (pglite-socket 0.2.17) lets the messages of several connections overtake each other between a statement's Parse and its
 * Execute, whenever they do not arrive in one piece (from 64 KB on): a client then gets the answer to another client's query.
 * Inside a transaction block all other clients wait, and BEGIN is one message, so transactions are safe.
 * Because the session is shared, session features must not be used either: SET (SET LOCAL is fine), temporary tables, LISTEN,
 * advisory locks that outlast their transaction, prepared statements with names.
 * Transactions are not repeated here: only the caller knows whether its work may run twice.
 */
export type Postgres<Database> = {
  /**
   * BEGIN, `work`, COMMIT on one connection; ROLLBACK when `work` throws, and then its error. Everything must go through `tx`.
   * Keep it short: in the embedded Postgres all other clients wait for it. If the server refuses a statement, pg's own error is thrown,
   * with its SQLSTATE in `code`. Throws `postgres_unreachable` if there is no connection, it breaks, or the server is silent for too
   * long. If the connection breaks during COMMIT, the outcome is unknown.
   */
  transaction: <Result>(work: (tx: Transaction<Database>) => Promise<Result>) => Promise<Result>
  /** The same, read-only, on one snapshot (repeatable read). */
  snapshot: <Result>(work: (tx: Transaction<Database>) => Promise<Result>) => Promise<Result>
  /** Throws `postgres_unreachable` unless the server answers. */
  ping: () => Promise<void>
  /** Waits for running transactions, then closes all connections. */
  close: () => Promise<void>
}

/** The client's own limit, a little after the server's: PGlite has no timers, and a broken network gives no errors. */
const clientTimeoutMs = (statementTimeoutMs: number): number => statementTimeoutMs * 1.2 + 500

/**
 * Creates a pool, which connects on demand. A connection that breaks while idle is logged and replaced. A silent connection is
 * dropped, because the next statement on it would wait for the same answer.
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
  // Without a listener, the end of a connection would end the process: pg's pool listens only to idle clients, not between two
  // statements of a transaction.
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
 * True if a transaction failed because Postgres is unavailable or about to be (connection, resources, shutdown or restart, a time
 * limit), and not because of the work itself.
 */
export const isPostgresOutage = (error: unknown): error is Error =>
  (error instanceof PlatformError && error.code === 'postgres_unreachable') ||
  (error instanceof pg.DatabaseError && /^(08|53|57|58|25P0[34])/.test(error.code ?? ''))

/** The connection's problem, in the same words in every report. */
const unreachable = (error: unknown): PlatformError =>
  new PlatformError('postgres_unreachable', `Postgres does not answer: ${reason(error)}`, error)

/** Node's error for several failed addresses has no message. */
const reason = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error) || 'the connection failed'

/** The part of a pg client that its types do not declare. */
const Connected = z.object({ connection: z.object({ stream: z.instanceof(Socket) }) })
const drop = (client: pg.PoolClient): void => void Connected.parse(client).connection.stream.destroy()

/** pg keeps a connection in its pool after `query_timeout`; the next statement on it would wait for the old one. */
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

/** Drops connections that are held for too long; their pending statements then fail. */
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
