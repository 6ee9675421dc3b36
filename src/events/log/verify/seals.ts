import { comparePositions, type Position } from '../../identifiers.ts'
import type { RecordedEvent } from '../../event.ts'
import type { SealEvent } from '../../seals.ts'
import type { ChainHead, LogIdentity } from '../archive/chain.ts'
import { isGenuineSeal } from '../archive/seal-key.ts'
import type { SealLine } from '../archive/seals-file.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import { faultOf, type Faults } from './faults.ts'
import { keyChain, type KeyChain } from './seal-keys.ts'

/** What was kept outside of the council: copies of its seals, and the public key that they must go back to (as `SealingKey` has it). */
export type KeptOutside = { lines: readonly SealLine[]; publicKey: string | null }

/** What is known of one event from elsewhere: that it exists, and often how the chain stands after it. */
type Expected = { sequence: number; position: Position; chainHead: string | null; by: string; isOutside: boolean }

export type SealCheck = {
  /** A seal or a sealing key in the log, once it is its turn. */
  take: (event: RecordedEvent<SealEvent>) => void
  /** The chain after every event. */
  reached: (event: StoredEvent, head: ChainHead) => void
  atEnd: (end: { position: Position; sequence: number }) => void
  /** `newestOutside`: the last event that a seal kept outside vouches for. */
  counts: () => { seals: number; outside: number; newestOutside: number | null; keyIds: string[] }
}

/**
 * Checks seals: each was made under a key of this log, the keys were introduced by one another, and what is sealed is what the log
 * holds. `inLog` are all seals of the log, known beforehand: each is about events that come before it. Seals that were kept outside
 * also show a log that was cut off, or rewritten and sealed again.
 */
export function sealCheck(
  identity: LogIdentity,
  inLog: readonly RecordedEvent<SealEvent>[],
  outside: KeptOutside,
  report: Faults['report'],
): SealCheck {
  const seals = inLog.filter((event) => event.type === 'LogSealed')
  const expected = Map.groupBy(
    [...seals.map(expectedInLog), ...outside.lines.flatMap(expectedOutside)],
    ({ sequence }) => sequence,
  )
  const keys = keyChain(identity, outside.publicKey)
  const outsideKeys = checkOutside(identity, outside, report)

  return {
    counts: () => ({
      seals: seals.length,
      outside: outside.lines.filter(({ kind }) => kind === 'seal').length,
      newestOutside: outside.lines.reduce<number | null>(
        (newest, line) => Math.max(newest ?? 0, line.event.sequence),
        null,
      ),
      keyIds: [...keys.ids()],
    }),
    take(event) {
      if (event.type === 'SealingKeyIntroduced') {
        const problem = keys.introduce(event.data)
        if (problem) report(faultOfSeal(event, 'sealing_key_forged', problem))
      } else if (!isSealedBy(keys, identity, event.data))
        report(
          faultOfSeal(
            event,
            'seal_forged',
            `the seal at ${event.position} was not made under a sealing key of this log (${event.data.keyId})`,
          ),
        )
    },
    reached(event, head) {
      for (const { position, chainHead, by } of expected.get(event.sequence) ?? []) {
        if (position !== event.position)
          report(
            faultOf(
              event,
              'seal_differs',
              `event number ${event.sequence} stands at ${event.position}, but ${by} says that it stood at ${position}`,
            ),
          )
        else if (chainHead !== null && chainHead !== head.toString('hex'))
          report(
            faultOf(
              event,
              'seal_differs',
              `the log up to event number ${event.sequence} at ${position} is not what ${by} was made over: it, or an event before it, was changed`,
            ),
          )
      }
    },
    atEnd({ sequence: last, position: end }) {
      for (const { sequence, position, by, isOutside } of [...expected.values()].flat())
        if (sequence > last)
          report({
            code: isOutside ? 'truncated_tail' : 'seal_differs',
            position,
            sequence,
            stream: null,
            message: `the log ends with number ${last} at ${end}, but ${by} is about number ${sequence} at ${position}`,
          })
      const lost = outside.publicKey !== null && seals.length > 0 && !keys.isTrusted(keys.newest() ?? '')
      if (lost)
        report({
          code: 'sealing_key_forged',
          position: inLog[0]?.position ?? end,
          sequence: null,
          stream: null,
          message: `the log is sealed under keys (${[...keys.ids()].join(', ') || 'unknown ones'}) that do not go back to the public key that was given`,
        })
      if (outsideKeys.isForeign)
        report({
          code: 'sealing_key_forged',
          position: outsideKeys.position ?? end,
          sequence: null,
          stream: null,
          message:
            'the newest seal that was kept outside was made under a key that does not go back to the public key that was given',
        })
    },
  }
}

const expectedInLog = ({ data, position }: RecordedEvent<Extract<SealEvent, { type: 'LogSealed' }>>): Expected => ({
  sequence: data.sequence,
  position: data.position,
  chainHead: data.chainHead,
  by: `the seal at ${position}`,
  isOutside: false,
})

/** A copy says two things: what its seal is about, and where the seal itself stands. */
function expectedOutside(line: SealLine): Expected[] {
  const by = `the ${line.kind} kept outside (recorded ${line.recordedAt})`
  const itself: Expected = { ...line.event, chainHead: null, by, isOutside: true }
  return line.kind === 'seal'
    ? [{ sequence: line.sequence, position: line.position, chainHead: line.chainHead, by, isOutside: true }, itself]
    : [itself]
}

/** Signatures of what was kept outside, under the keys that stand there, or the one that was given. */
function checkOutside(
  identity: LogIdentity,
  { lines, publicKey }: KeptOutside,
  report: Faults['report'],
): { isForeign: boolean; position: Position | null } {
  const keys = keyChain(identity, publicKey)
  let newest: { keyId: string; position: Position } | null = null
  for (const line of lines.toSorted((left, right) => comparePositions(left.event.position, right.event.position))) {
    const { sequence, position } = line.event
    const forged = (code: 'seal_forged' | 'sealing_key_forged' | 'seal_differs', message: string) =>
      report({ code, position, sequence, stream: null, message })
    if (line.council !== identity.councilId || line.incarnation !== identity.incarnation) {
      forged(
        'seal_differs',
        `the ${line.kind} kept outside (recorded ${line.recordedAt}) is of another log: ${line.council}, incarnation ${line.incarnation}`,
      )
      continue
    }
    const { kind, council: _, incarnation: _incarnation, event: _event, recordedAt, ...data } = line
    if (kind === 'key' && 'publicKey' in data) {
      const problem = keys.introduce(data)
      if (problem) forged('sealing_key_forged', `${problem} (kept outside, recorded ${recordedAt})`)
    } else if ('chainHead' in data) {
      newest = { keyId: data.keyId, position }
      if (!isSealedBy(keys, identity, data))
        forged(
          'seal_forged',
          `the seal kept outside (recorded ${recordedAt}) has a signature that is not of the key ${data.keyId}, or of a key that nobody introduced`,
        )
    }
  }
  return {
    isForeign: publicKey !== null && newest !== null && !keys.isTrusted(newest.keyId),
    position: newest?.position ?? null,
  }
}

function isSealedBy(
  keys: KeyChain,
  identity: LogIdentity,
  seal: Extract<SealEvent, { type: 'LogSealed' }>['data'],
): boolean {
  const publicKey = keys.publicKeyOf(seal.keyId)
  return publicKey !== undefined && isGenuineSeal(identity, seal, publicKey)
}

const faultOfSeal = (
  { position, sequence, stream }: RecordedEvent,
  code: 'seal_forged' | 'sealing_key_forged',
  message: string,
) => ({ code, position, sequence, stream, message })
