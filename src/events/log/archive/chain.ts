import { hash } from 'node:crypto'
import type { StoredEvent } from '../read/stored-event.ts'

/** The head of the hash chain after an event: a SHA-256 digest, 32 bytes. */
export type ChainHead = Buffer

/** The identity of a log. It starts the chain, so equal events in two logs have different chains. */
export type LogIdentity = { councilId: string; incarnation: string }

const digestBytes = 32
const lengthBytes = 4

/** The head before the first event: SHA-256 over the format name, the council and the incarnation, each preceded by its length. */
export function chainStart({ councilId, incarnation }: LogIdentity): ChainHead {
  return digestOf(undefined, ['hybrid-ai-council log chain 1', councilId, incarnation])
}

/**
 * The head after an event: SHA-256 over the head before it and the event's fields in this order, each as UTF-8 preceded by its
 * length (32 bits, big-endian): sequence, position, stream, revision, type, version, data, metadata, mac. Numbers are decimal.
 */
export function extendChain(head: ChainHead, event: StoredEvent): ChainHead {
  const { sequence, position, stream, revision, type, version, data, metadata, mac } = event
  return digestOf(head, [
    String(sequence),
    position,
    stream,
    String(revision),
    type,
    String(version),
    data,
    metadata,
    mac,
  ])
}

/** Reused for every event to avoid an allocation each. */
let scratch = Buffer.allocUnsafe(65_536)

function digestOf(head: ChainHead | undefined, fields: readonly string[]): ChainHead {
  // UTF-8 takes at most three bytes per UTF-16 unit.
  const needed = digestBytes + fields.reduce((sum, field) => sum + lengthBytes + field.length * 3, 0)
  if (scratch.length < needed) scratch = Buffer.allocUnsafe(needed)
  let end = head ? head.copy(scratch) : 0
  for (const field of fields) {
    const written = scratch.write(field, end + lengthBytes, 'utf8')
    scratch.writeUInt32BE(written, end)
    end += lengthBytes + written
  }
  return hash('sha256', scratch.subarray(0, end), 'buffer')
}
