import { isExpectedVersionConflictError } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import { v7 } from 'uuid'
import { closedLoop } from '../harness/closed-loop.ts'
import { deposit } from '../harness/deposit.ts'
import { eventMetadata } from '../harness/event-metadata.ts'
import { answerRequests } from '../harness/measured-process.ts'

/**
 * Emmett on PostgreSQL. It appends one event with the same data and metadata, and answers when the event is durable. It does less
 * than the gate: it reads nothing before it decides, remembers no command id, keeps no state and makes no MAC. On the hot stream it
 * expects no revision either; concurrent writers still make it fail, and it retries.
 */
const [url, poolSize] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: Number(poolSize), query_timeout: 60_000 })
const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
await store.schema.migrate()

async function appendWithRetries(append) {
  for (;;)
    try {
      return await append()
    } catch (error) {
      if (!isExpectedVersionConflictError(error)) throw error
    }
}

let n = 0
let acknowledged = 0

/** Every acknowledged event once, and the positions of every stream without a gap. */
async function check() {
  const { rows: [counted] } = await pool.query('select count(*)::int as events, count(distinct message_id)::int as ids from emt_messages')
  const { rows: gaps } = await pool.query('select stream_id from emt_messages group by stream_id having count(*) <> max(stream_position) limit 1')
  if (counted.events !== acknowledged || counted.ids !== acknowledged || gaps.length > 0)
    throw new Error(`the run is void: ${acknowledged} events were acknowledged, the store has ${JSON.stringify({ ...counted, gaps })}`)
}

answerRequests(
  async ({ load, streams, councilId }) => {
    const run = v7()
    const measured = await closedLoop(load, async () => {
      const id = v7()
      const name = `ledger-${streams === 'hot' ? `hot-${councilId}` : `${run}-${n++}`}`
      const { transferId, amountMicros, reason } = deposit(name, id)
      const event = { type: 'AccountCredited', data: { transferId, amountMicros, reason }, metadata: eventMetadata(id, v7(), new Date().toISOString()) }
      await (streams === 'hot' ? appendWithRetries(() => store.appendToStream(name, [event])) : store.appendToStream(name, [event], { expectedStreamVersion: 0n }))
    })
    acknowledged += measured.commands
    await check()
    return measured
  },
  () => void store.close().then(() => pool.end()),
)
