import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { AccountId, beginning } from '../../src/events/identifiers.ts'
import { postgresArchive } from '../../src/events/log/archive/archive.ts'
import { chainStart, extendChain, type LogIdentity } from '../../src/events/log/archive/chain.ts'
import { hotLog } from '../../src/events/log/read/hot-log.ts'
import type { Postgres } from '../../src/platform/postgres/postgres.ts'
import { fullContext, newId, type BenchCouncil } from './bench-council.ts'
import { payloadBytes } from './deposit.ts'

const inFlight = 1_000
const accounts = 1_000
const reason = 'for services rendered, '.repeat(20).slice(0, payloadBytes - 130)

/** Fills a log with transfers between accounts. Each has two events of about `payloadBytes`. */
export async function fillWithTransfers({ gate }: BenchCouncil, transfers: number): Promise<void> {
  const [external, ...payees] = ['external', ...Array.from({ length: accounts }, (_, n) => `agent:${n}`)].map((name) =>
    AccountId.parse(name),
  )
  if (!external) throw new Error('there is no account that pays')
  const assertAppended = async (execution: ReturnType<BenchCouncil['gate']['execute']>): Promise<void> => {
    const result = await execution
    if (result.result !== 'appended') throw new Error(`a command was not appended: ${JSON.stringify(result)}`)
  }
  await Promise.all(
    [external, ...payees].map((account) =>
      assertAppended(gate.execute(OpenAccount, { account }, fullContext(newId()))),
    ),
  )
  for (let done = 0; done < transfers; done += inFlight)
    await Promise.all(
      Array.from({ length: Math.min(inFlight, transfers - done) }, (_, n) => {
        const id = newId()
        const transfer = { transferId: id, from: external, to: payees[n % payees.length], amountMicros: 7, reason }
        return assertAppended(gate.execute(TransferFunds, transfer, fullContext(id)))
      }),
    )
}

/** Archives every event that Redis has. */
export async function archiveWhole(
  { redis, keys }: BenchCouncil,
  postgres: Postgres<unknown>,
  identity: LogIdentity,
): Promise<void> {
  const archive = postgresArchive(postgres)
  const hot = hotLog(redis, keys)
  for (let checkpoint = await archive.checkpoint(); ; checkpoint = await archive.checkpoint()) {
    const page = await hot.page({ after: checkpoint?.position ?? beginning })
    if (page.length === 0) return
    let head = checkpoint?.chainHead ?? chainStart(identity)
    const events = page.map((event) => ({ ...event, chainHead: (head = extendChain(head, event)) }))
    if (!(await archive.add(checkpoint, identity, events))) throw new Error('another process archives this log')
  }
}
