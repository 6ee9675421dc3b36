import { AckPolicy, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { v7 } from 'uuid'
import { closedLoop } from '../harness/closed-loop.ts'
import { deposit } from '../harness/deposit.ts'
import { eventMetadata } from '../harness/event-metadata.ts'
import { answerRequests } from '../harness/measured-process.ts'

/**
 * NATS JetStream. Each event goes to a subject of its own with the expected last subject sequence and a message id, and carries
 * the same data and metadata as the council's. NATS reads nothing before it decides, keeps no state and makes no MAC.
 * `batchSize` 1 publishes single messages. A larger one publishes atomic batches in one round trip each, with as many batches
 * at once as keep the given number of events in flight.
 */
const [url] = process.argv.slice(2)
const requestMs = 30_000
const connection = await connect({ servers: url, reconnect: false })
const manager = await jetstreamManager(connection, { timeout: requestMs })

const subject = (name) => `ledger.${name}`

function message(name) {
  const id = v7()
  const { transferId, amountMicros, reason } = deposit(`ledger/${name}`, id)
  const event = {
    type: 'AccountCredited',
    data: { transferId, amountMicros, reason },
    metadata: eventMetadata(id, v7(), new Date().toISOString()),
  }
  const header = headers()
  header.set('Nats-Msg-Id', id)
  header.set('Nats-Expected-Last-Subject-Sequence', '0')
  return { subject: subject(name), body: JSON.stringify(event), header }
}

async function publish({ subject, body, header }) {
  const reply = await connection.request(subject, body, { headers: header, timeout: requestMs })
  const ack = reply.json()
  if (ack.error || ack.duplicate) throw new Error(`NATS refused a message: ${reply.string()}`)
  return ack
}

async function publishBatch(names) {
  const batchId = v7()
  const messages = names.map((name, index) => {
    const one = message(name)
    one.header.set('Nats-Batch-Id', batchId)
    one.header.set('Nats-Batch-Sequence', String(index + 1))
    return one
  })
  const last = messages.pop()
  for (const { subject, body, header } of messages) connection.publish(subject, body, { headers: header })
  last.header.set('Nats-Batch-Commit', '1')
  const ack = await publish(last)
  if (ack.count !== names.length) throw new Error(`NATS committed ${ack.count} of ${names.length} messages`)
}

/** Reads the stream back: every acknowledged event once, in the order of its sequence, the first of its subject. */
async function check(stream, acknowledged) {
  const { config } = await manager.consumers.add(stream, { ack_policy: AckPolicy.None, inactive_threshold: 60e9 })
  const consumer = await manager.jetstream().consumers.get(stream, config.name)
  const [ids, subjects] = [new Set(), new Set()]
  let sequence = 0
  while (sequence < acknowledged) {
    const before = sequence
    for await (const received of await consumer.fetch({ max_messages: 5_000, expires: 10_000 })) {
      if (received.seq !== ++sequence) throw new Error(`the run is void: sequence ${received.seq} follows ${sequence - 1}`)
      ids.add(received.json().metadata.commandId)
      subjects.add(received.subject)
      if (sequence === acknowledged) break
    }
    if (sequence === before) break
  }
  const { state } = await manager.streams.info(stream)
  const found = [state.messages, sequence, ids.size, subjects.size]
  if (found.some((count) => count !== acknowledged))
    throw new Error(`the run is void: ${acknowledged} events were acknowledged; messages, sequences, ids, subjects: ${found}`)
}

answerRequests(
  async ({ load, councilId, batchSize }) => {
    const stream = `events-${councilId}`
    await manager.streams.add({ name: stream, subjects: [subject('>')], storage: 'file', num_replicas: 1, allow_atomic: true })
    const run = v7()
    let n = 0
    const nextName = () => `${run}-${n++}`
    const measured = await closedLoop({ ...load, inFlight: Math.max(1, Math.round(load.inFlight / batchSize)) }, async () => {
      if (batchSize === 1) await publish(message(nextName()))
      else await publishBatch(Array.from({ length: batchSize }, nextName))
    })
    const events = measured.commands * batchSize
    await check(stream, events)
    await manager.streams.delete(stream)
    return { ...measured, commands: events }
  },
  () => void connection.close(),
)
