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
 * either, since otherwise nearly every append would fail.
 */
const [url, poolSize] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: Number(poolSize) })
const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
await store.schema.migrate()

let n = 0
answerRequests(
  async ({ load, streams, councilId }) => {
    const run = v7()
    const outcomes = {}
    const measured = await closedLoop(load, async () => {
      const id = v7()
      const name = `ledger-${streams === 'hot' ? `hot-${councilId}` : `${run}-${n++}`}`
      const { transferId, amountMicros, reason } = deposit(name, id)
      const event = { type: 'AccountCredited', data: { transferId, amountMicros, reason }, metadata: eventMetadata(id, v7(), new Date().toISOString()) }
      await store.appendToStream(name, [event], streams === 'hot' ? {} : { expectedStreamVersion: 0n })
      outcomes.appended = (outcomes.appended ?? 0) + 1
    })
    const { rows } = await pool.query('select count(*)::int as events from emt_messages')
    return { ...measured, outcomes, events: rows[0].events }
  },
  () => void store.close().then(() => pool.end()),
)
