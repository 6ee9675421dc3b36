import { hash } from 'node:crypto'

/** A set of texts in at most 16 bytes each. */
export type Seen = {
  /** False if the text was added before. */
  add: (text: string) => boolean
}

const firstSlots = 1024
const maxLoad = 0.6

/**
 * Keeps 64 bits of the SHA-256 of each text. Among ten million texts, two collide about once in a hundred thousand runs.
 */
export function createDigestSet(): Seen {
  let slots = new BigUint64Array(firstSlots)
  let used = 0
  const put = (into: BigUint64Array, value: bigint): boolean => {
    for (let slot = Number(value % BigInt(into.length)); ; slot = (slot + 1) % into.length) {
      if (into[slot] === value) return false
      if (into[slot] === empty) {
        into[slot] = value
        return true
      }
    }
  }
  return {
    add(text) {
      if (used >= slots.length * maxLoad) {
        const larger = new BigUint64Array(slots.length * 2)
        for (const value of slots) if (value !== empty) put(larger, value)
        slots = larger
      }
      const isNew = put(slots, hash('sha256', text, 'buffer').readBigUInt64BE() || 1n)
      if (isNew) used++
      return isNew
    },
  }
}

const empty = 0n
