import { isExpectedVersionConflictError } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import { v7 } from 'uuid'
import { closedLoop } from '../harness/closed-loop.ts'
import { deposit } from '../harness/deposit.ts'
import { eventMetadata } from '../harness/event-metadata.ts'
import { answerRequests } from '../harness/measured-process.ts'

/**
 * The peer: an append of one event with the same data and metadata, durable when it answers. It is spared what the gate does
 * beside: it reads nothing before it decides, remembers no command id and keeps no state. On one stream it checks no revision
 * either. It fails there all the same while others write, and then simply tries again.
 */
const [url, poolSize] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: Number(poolSize) })
const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
await store.schema.migrate()

async function insist(append) {
  for (;;)
    try {
      return await append()
    } catch (error) {
      if (!isExpectedVersionConflictError(error)) throw error
    }
}

let n = 0
answerRequests(
  async ({ load, streams, councilId }) => {
    const run = v7()
    const measured = await closedLoop(load, async () => {
      const id = v7()
      const name = `ledger-${streams === 'hot' ? `hot-${councilId}` : `${run}-${n++}`}`
      const { transferId, amountMicros, reason } = deposit(name, id)
      const event = { type: 'AccountCredited', data: { transferId, amountMicros, reason }, metadata: eventMetadata(id, v7(), new Date().toISOString()) }
      await (streams === 'hot' ? insist(() => store.appendToStream(name, [event])) : store.appendToStream(name, [event], { expectedStreamVersion: 0n }))
    })
    const { rows } = await pool.query('select count(*)::int as events from emt_messages')
    return { ...measured, events: rows[0].events }
  },
  () => void store.close().then(() => pool.end()),
)
