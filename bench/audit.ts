import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { runCli } from '../src/cli/program.ts'
import { CancelBounty } from '../src/commands/bounty/cancel-bounty.ts'
import { OpenBounty } from '../src/commands/bounty/open-bounty.ts'
import type { CommandDefinition, ReadSet } from '../src/commands/decider.ts'
import { OpenAccount } from '../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../src/commands/treasury/transfer-funds.ts'
import { AccountId, type Uuid7 } from '../src/events/identifiers.ts'
import { systemClock } from '../src/platform/clock.ts'
import { loadConfig } from '../src/platform/config/config.ts'
import { silentLogger } from '../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../src/platform/postgres/postgres.ts'
import { accounts } from '../src/projections/accounts.ts'
import { bounties } from '../src/projections/bounties.ts'
import { costs } from '../src/projections/costs.ts'
import { migrate } from '../src/projections/engine/migrate.ts'
import { postgresStore } from '../src/projections/engine/postgres-store.ts'
import { rebuild } from '../src/projections/engine/rebuild.ts'
import { thisProcess } from '../src/projections/engine/this-process.ts'
import { isQuick, option } from './harness/arguments.ts'
import { answerPrompts } from './harness/answered-prompts.ts'
import { fullContext, newId, openBenchCouncil, type BenchCouncil } from './harness/bench-council.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { administer, postgresSettings, startPostgres } from './harness/postgres-server.ts'
import { redisSettings, startRedis } from './harness/redis-server.ts'
import { spread, type Spread } from './harness/spread.ts'
import { archiveWhole } from './harness/transfers.ts'

/**
 * `npm run bench:audit`: the time of `council audit request`, `account` and `bounties <id>`, as a person waits for it, in logs of
 * different lengths. Each log has the same audited history at its beginning, everything is archived and in the read models, and the
 * audits take turns over the logs, so that what else the machine does slows each alike. `--sizes` names other sizes, for example
 * `--sizes 10000,100000,1000000`.
 */
const sizes = (option('--sizes') ?? (isQuick ? '1000,10000' : '10000,100000')).split(',').map(Number)
const runs = isQuick ? 5 : 25
const movements = 20
const audits = ['request', 'account', 'bounty'] as const
type Audit = (typeof audits)[number]

/** A council whose log has a size, and the arguments of the audits of its history. */
type Filled = {
  council: BenchCouncil
  postgres: Postgres<unknown>
  env: { DATA_DIR: string; COUNCIL_ID: string; REDIS_URL: string; DATABASE_URL: string }
  events: number
  args: Record<Audit, readonly string[]>
}

/** The work of one audit, which a busy machine does not change: rows that Postgres reads, and commands and bytes of Redis. */
type Work = { rows: number; redisCommands: number; redisBytes: number }

type Audited = { audit: Audit; events: number; ms: Spread; work: Work }

async function measure(dataFolder: string): Promise<Figures> {
  const redis = await startRedis(join(dataFolder, 'redis'))
  const server = await startPostgres(join(dataFolder, 'postgres'))
  const filled: Filled[] = []
  for (const size of sizes) filled.push(await fill(size, dataFolder, redis.url, server.url))
  // In production a log grows slowly, and this work is done long before an audit.
  for (const { env } of filled) await settle(env.DATABASE_URL)
  const times = filled.map(() => Object.fromEntries(audits.map((audit) => [audit, [] as number[]])))
  // Run 0 only warms up compilers and caches. It is not recorded.
  for (let run = 0; run <= runs; run++)
    for (const audit of audits)
      for (const [index, at] of filled.entries()) {
        const ms = await timedAudit(at.env, at.args[audit])
        if (run > 0) times[index]?.[audit]?.push(ms)
      }
  const figures: Audited[] = []
  for (const [index, at] of filled.entries())
    for (const audit of audits) {
      const ms = spread(times[index]?.[audit] ?? [])
      const work = await workOf(at.council, at.postgres, () => timedAudit(at.env, at.args[audit]))
      console.log(`${at.events} events: audit of one ${audit} in ${ms.median.toFixed(1)} ms, ${JSON.stringify(work)}`)
      figures.push({ audit, events: at.events, ms, work })
    }
  for (const { council, postgres } of filled) {
    council.close()
    await postgres.close()
  }
  await server.stop()
  await redis.kill()
  const slopes = audits.map((audit) => slopeOf(figures.filter((figure) => figure.audit === audit)))
  return {
    settings: {
      sizes,
      runs,
      movements,
      redis: redisSettings,
      postgres: { version: server.version, ...postgresSettings },
    },
    figures: { audits: figures },
    ratios: {
      'cost for ten times as many events': Math.max(...slopes),
      ...Object.fromEntries(
        audits.map((audit, index) => [`one ${audit}, for ten times as many events`, slopes[index]]),
      ),
    },
  }
}

/** A council of its own in a database of its own: the history that is audited, then prompts up to the size. */
async function fill(size: number, dataFolder: string, redisUrl: string, postgresUrl: string): Promise<Filled> {
  const councilId = `bench-${size}`
  await administer(postgresUrl, `create database "${councilId}"`)
  const databaseUrl = new URL(postgresUrl)
  databaseUrl.pathname = councilId
  const postgres = connectPostgres<unknown>({ url: databaseUrl.href, maxConnections: 2, logger: silentLogger })
  await migrate(postgres)
  const council = await openBenchCouncil(redisUrl, councilId)
  const [requestId = ''] = await answerPrompts(council, 1)
  await moveMoney(council)
  const bountyId = await cancelBounty(council)
  const perPrompt = 10
  for (let events = await eventsOf(council); events < size; events = await eventsOf(council))
    await answerPrompts(council, Math.min(500, Math.ceil((size - events) / perPrompt)))
  await index(council, postgres, councilId)
  return {
    council,
    postgres,
    env: { DATA_DIR: dataFolder, COUNCIL_ID: councilId, REDIS_URL: redisUrl, DATABASE_URL: databaseUrl.href },
    events: await eventsOf(council),
    args: { request: ['request', requestId], account: ['account', 'agent:audited'], bounty: ['bounties', bountyId] },
  }
}

const eventsOf = ({ redis, keys }: BenchCouncil): Promise<number> => redis.xlen(keys.log)

async function execute<C, Reads extends ReadSet>(
  { gate }: BenchCouncil,
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
  commandId = newId(),
): Promise<void> {
  const result = await gate.execute(definition, input, fullContext(commandId))
  if (result.result !== 'appended') throw new Error(`${definition.name}: ${JSON.stringify(result)}`)
}

/** The account that is audited, and its history. */
async function moveMoney(council: BenchCouncil): Promise<void> {
  const [external, audited] = ['external', 'agent:audited'].map((name) => AccountId.parse(name))
  if (!external || !audited) throw new Error('there is no account')
  for (const account of [external, audited]) await execute(council, OpenAccount, { account })
  for (let n = 0; n < movements; n++) {
    const transferId = newId()
    const transfer = { transferId, from: external, to: audited, amountMicros: 7, reason: 'for services rendered' }
    await execute(council, TransferFunds, transfer, transferId)
  }
}

/** A bounty that is funded and cancelled: its money goes to an escrow and back. */
async function cancelBounty(council: BenchCouncil): Promise<Uuid7> {
  const [external, reserve] = ['external', 'reserve'].map((name) => AccountId.parse(name))
  if (!external || !reserve) throw new Error('there is no account')
  await execute(council, OpenAccount, { account: reserve })
  const [transferId, bountyId] = [newId(), newId()]
  const [rewardMicros, bonusMicros] = [2_000_000, 500_000]
  const deposit = {
    transferId,
    from: external,
    to: reserve,
    amountMicros: 10_000_000,
    reason: 'the budget of the year',
  }
  await execute(council, TransferFunds, deposit, transferId)
  const deadline = new Date(Date.now() + 86_400_000).toISOString()
  const texts = { title: 'A sum', task: 'What is 2 + 2?', criteria: 'The right number.' }
  await execute(council, OpenBounty, { bountyId, ...texts, rewardMicros, bonusMicros, deadline, claimSeconds: 3_600 })
  await execute(council, CancelBounty, { bountyId, reason: 'it is known' })
  return bountyId
}

/** Archives everything, and builds the read models that the audits use, as archiver and projector do. */
async function index(council: BenchCouncil, postgres: Postgres<unknown>, councilId: string): Promise<void> {
  const incarnation = (await council.redis.hget(council.keys.meta, 'incarnation')) ?? ''
  await archiveWhole(council, postgres, { councilId, incarnation })
  const store = postgresStore(postgres)
  const dependencies = { log: council.log, store, rebuilder: thisProcess, elapsedMs: () => performance.now() }
  for (const readModel of [costs, accounts, bounties]) await rebuild(dependencies, readModel)
}

/** What Postgres does in the background after many rows were written: statistics, dead rows, and pages to disk. */
async function settle(databaseUrl: string): Promise<void> {
  for (const statement of ['vacuum analyze', 'checkpoint']) await administer(databaseUrl, statement)
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
function slopeOf(sized: readonly { events: number; ms: Spread }[]): number {
  const [first, last] = [sized[0], sized.at(-1)]
  if (!first || !last || last === first) throw new Error('fewer than two sizes were measured')
  return (last.ms.median / first.ms.median) ** (1 / Math.log10(last.events / first.events))
}

await runBenchmark('audit', measure)
