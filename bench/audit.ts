import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { runCli } from '../src/cli/program.ts'
import { OpenAccount } from '../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../src/commands/treasury/transfer-funds.ts'
import { AccountId } from '../src/events/identifiers.ts'
import { systemClock } from '../src/platform/clock.ts'
import { loadConfig } from '../src/platform/config/config.ts'
import { silentLogger } from '../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../src/platform/postgres/postgres.ts'
import { costs } from '../src/projections/costs.ts'
import { migrate } from '../src/projections/engine/migrate.ts'
import { postgresStore } from '../src/projections/engine/postgres-store.ts'
import { rebuild } from '../src/projections/engine/rebuild.ts'
import { thisProcess } from '../src/projections/engine/this-process.ts'
import { isQuick, option } from './harness/arguments.ts'
import { answerPrompts } from './harness/answered-prompts.ts'
import { fullContext, newId, openBenchCouncil, type BenchCouncil } from './harness/bench-council.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { spread, type Spread } from './harness/spread.ts'
import { archiveWhole } from './harness/transfers.ts'

/**
 * `npm run bench:audit`: the time of `council audit request` and `council audit account`, as a person waits for it, in logs of growing
 * length. The audited request and account are the same at every size, and everything is archived and in the read model. `--sizes`
 * names other sizes, for example `--sizes 10000,100000,1000000`.
 */
const sizes = (option('--sizes') ?? (isQuick ? '1000,10000' : '10000,100000')).split(',').map(Number)
const runs = isQuick ? 5 : 25
const movements = 20

type AtSize = { events: number; requestMs: Spread; accountMs: Spread; request: Work; account: Work }

/** The work of one audit, which a busy machine does not change: rows that Postgres reads, and commands and bytes of Redis. */
type Work = { rows: number; redisCommands: number; redisBytes: number }

async function measure(dataFolder: string): Promise<Figures> {
  const redis = await startRedis(join(dataFolder, 'redis'))
  const server = await startPostgres(join(dataFolder, 'postgres'))
  const postgres = connectPostgres<unknown>({ url: server.url, maxConnections: 2, logger: silentLogger })
  await migrate(postgres)
  const council = await openBenchCouncil(redis.url, 'bench')
  const env = { DATA_DIR: dataFolder, COUNCIL_ID: 'bench', REDIS_URL: redis.url, DATABASE_URL: server.url }
  const [requestId] = await answerPrompts(council, 1)
  await moveMoney(council)
  const at: AtSize[] = []
  for (const size of sizes) {
    await fillTo(council, size)
    await index(council, postgres)
    const [requestMs, accountMs]: [number[], number[]] = [[], []]
    // Run 0 only warms up compilers and caches. It is not recorded.
    for (let run = 0; run <= runs; run++) {
      const request = await timedAudit(env, ['request', requestId ?? ''])
      const account = await timedAudit(env, ['account', 'agent:audited'])
      if (run > 0) {
        requestMs.push(request)
        accountMs.push(account)
      }
    }
    const work = (args: readonly string[]) => workOf(council, postgres, () => timedAudit(env, args))
    const found = {
      request: await work(['request', requestId ?? '']),
      account: await work(['account', 'agent:audited']),
      events: await eventsOf(council),
      requestMs: spread(requestMs),
      accountMs: spread(accountMs),
    }
    console.log(
      `${found.events} events: a request in ${found.requestMs.median.toFixed(1)} ms, an account in ${found.accountMs.median.toFixed(1)} ms`,
    )
    at.push(found)
  }
  council.close()
  await postgres.close()
  await server.stop()
  await redis.kill()
  const slopes = {
    request: slopeOf(at, ({ requestMs }) => requestMs),
    account: slopeOf(at, ({ accountMs }) => accountMs),
  }
  return {
    settings: {
      sizes,
      runs,
      movements,
      redis: redisSettings,
      postgres: { version: server.version, ...postgresSettings },
    },
    figures: { at, slopes },
    ratios: {
      'cost for ten times as many events': Math.max(slopes.request, slopes.account),
      'a request, for ten times as many events': slopes.request,
      'an account, for ten times as many events': slopes.account,
    },
  }
}

const eventsOf = ({ redis, keys }: BenchCouncil): Promise<number> => redis.xlen(keys.log)

/** The account that is audited, and its history. */
async function moveMoney({ gate }: BenchCouncil): Promise<void> {
  const [external, audited] = ['external', 'agent:audited'].map((name) => AccountId.parse(name))
  if (!external || !audited) throw new Error('there is no account')
  for (const account of [external, audited]) await gate.execute(OpenAccount, { account }, fullContext(newId()))
  for (let n = 0; n < movements; n++) {
    const transferId = newId()
    await gate.execute(
      TransferFunds,
      { transferId, from: external, to: audited, amountMicros: 7, reason: 'for services rendered' },
      fullContext(transferId),
    )
  }
}

async function fillTo(council: BenchCouncil, size: number): Promise<void> {
  const perPrompt = 10
  for (let events = await eventsOf(council); events < size; events = await eventsOf(council))
    await answerPrompts(council, Math.min(500, Math.ceil((size - events) / perPrompt)))
}

/** Archives everything, and builds the read model that knows the debits, as archiver and projector do. */
async function index(council: BenchCouncil, postgres: Postgres<unknown>): Promise<void> {
  const incarnation = (await council.redis.hget(council.keys.meta, 'incarnation')) ?? ''
  await archiveWhole(council, postgres, { councilId: 'bench', incarnation })
  const store = postgresStore(postgres)
  await rebuild({ log: council.log, store, rebuilder: thisProcess, elapsedMs: () => performance.now() }, costs)
}

async function workOf(
  { redis }: BenchCouncil,
  { snapshot }: Postgres<unknown>,
  run: () => Promise<unknown>,
): Promise<Work> {
  const before = await countersOf()
  await run()
  const after = await countersOf()
  return {
    rows: after.rows - before.rows,
    redisCommands: after.commands - before.commands,
    redisBytes: after.bytes - before.bytes,
  }

  async function countersOf() {
    // A session reports its counters when it ends, or a second later.
    await pause(1_500)
    const { rows } = await snapshot((tx) =>
      sql<{
        read: string
      }>`select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_user_tables`.execute(tx),
    )
    const info = await redis.info('stats')
    const counter = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1])
    return {
      rows: Number(rows[0]?.read),
      commands: counter('total_commands_processed'),
      bytes: counter('total_net_output_bytes'),
    }
  }
}

/** Runs one audit of the command line in this process, and returns its milliseconds. */
async function timedAudit(env: Record<string, string>, args: readonly string[]): Promise<number> {
  let printed = ''
  const sink = (): Writable =>
    new Writable({ write: (text: Buffer, _, done) => ((printed += text.toString()), done()) })
  const startedAt = performance.now()
  const code = await runCli(['audit', ...args, '--json'], {
    stdout: sink(),
    stderr: sink(),
    stdin: () => process.stdin,
    noColor: true,
    version: 'bench',
    clock: systemClock,
    loadConfig: () => loadConfig({ env, cwd: env['DATA_DIR'] ?? '', root: env['DATA_DIR'] ?? '' }),
    interrupted: new AbortController().signal,
    serve: () => Promise.resolve(0),
  })
  const ms = performance.now() - startedAt
  if (code !== 0 || !printed.includes('"scanned":0')) throw new Error(`the audit failed: ${printed.slice(-2_000)}`)
  return ms
}

/** The factor for ten times as many events: 1 is flat. */
function slopeOf(at: readonly AtSize[], of: (size: AtSize) => Spread): number {
  const [first, last] = [at[0], at.at(-1)]
  if (!first || !last || last === first) throw new Error('fewer than two sizes were measured')
  return (of(last).median / of(first).median) ** (1 / Math.log10(last.events / first.events))
}

await runBenchmark('audit', measure)
