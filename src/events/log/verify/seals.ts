import { comparePositions, type Position } from '../../identifiers.ts'
import type { RecordedEvent } from '../../event.ts'
import type { SealEvent } from '../../seals.ts'
import type { ChainHead, LogIdentity } from '../archive/chain.ts'
import { isGenuineSeal } from '../archive/seal-key.ts'
import type { SealLine } from '../archive/seals-file.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { ReportFault } from './audit-faults.ts'
import { keyChain, type KeyChain } from './seal-keys.ts'

/** Evidence from outside the council: copies of its seals, and the public key that they must lead back to (in the form of `SealingKey`). */
export type KeptOutside = { lines: readonly SealLine[]; publicKey: string | null }

/** An event that must exist according to a seal, with the chain head after it if known. */
type Expected = { sequence: number; position: Position; chainHead: string | null; by: string; isOutside: boolean }

export type SealCheck = {
  /** Must be called with every seal and sealing key in the log, in order. */
  take: (event: RecordedEvent<SealEvent>) => void
  /** Must be called with the chain head after every event. */
  reached: (event: StoredEvent, head: ChainHead) => void
  atEnd: (end: { position: Position; sequence: number }) => void
  /** `newestOutside`: the last event that a seal from outside covers. */
  counts: () => { seals: number; outside: number; newestOutside: number | null; keyIds: string[] }
}

/**
 * Checks seals: a key of this log signed each one, each key introduced the next one, and the log matches its seals. `inLog` holds all
 * seals of the log in advance, because each covers events before it. Seals from outside also reveal a log that was truncated, or
 * rewritten and sealed again.
 */
export function sealCheck(
  identity: LogIdentity,
  inLog: readonly RecordedEvent<SealEvent>[],
  outside: KeptOutside,
  report: ReportFault,
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
      newestOutside: newestSequenceOf(outside.lines),
      keyIds: [...keys.ids()],
    }),
    take(event) {
      if (event.type === 'SealingKeyIntroduced') {
        const problem = keys.introduce(event.data)
        if (problem) report('sealing_key_forged', event, problem)
      } else if (!isSealedBy(keys, identity, event.data))
        report(
          'seal_forged',
          event,
          `the seal at ${event.position} is not signed by a sealing key of this log (${event.data.keyId})`,
        )
    },
    reached(event, head) {
      for (const { position, chainHead, by } of expected.get(event.sequence) ?? []) {
        if (position !== event.position)
          report(
            'seal_differs',
            event,
            `event number ${event.sequence} is at ${event.position}, but according to ${by} at ${position}`,
          )
        else if (chainHead !== null && chainHead !== head.toString('hex'))
          report(
            'seal_differs',
            event,
            `the log up to event number ${event.sequence} at ${position} does not match ${by}: it, or an event before it, was changed`,
          )
      }
    },
    atEnd({ sequence: last, position: end }) {
      for (const { sequence, position, by, isOutside } of [...expected.values()].flat())
        if (sequence > last)
          report(
            isOutside ? 'truncated_tail' : 'seal_differs',
            { position, sequence },
            `the log ends with number ${last} at ${end}, but ${by} is about number ${sequence} at ${position}`,
          )
      if (outside.publicKey !== null && seals.length > 0 && !keys.isTrusted(keys.newest() ?? ''))
        report(
          'sealing_key_forged',
          { position: inLog[0]?.position ?? end },
          `the log is sealed under keys (${[...keys.ids()].join(', ') || 'unknown ones'}) that do not lead back to the given public key`,
        )
      if (outsideKeys.isForeign)
        report(
          'sealing_key_forged',
          { position: outsideKeys.position ?? end },
          'the newest seal from outside is signed by a key that does not lead back to the given public key',
        )
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

const newestSequenceOf = (lines: readonly SealLine[]): number | null =>
  lines.length === 0 ? null : Math.max(...lines.map(({ event }) => event.sequence))

/** A copy of a seal proves two events: the sealed one, and the seal itself. */
function expectedOutside(line: SealLine): Expected[] {
  const by = `the ${line.kind} kept outside (recorded ${line.recordedAt})`
  const itself: Expected = { ...line.event, chainHead: null, by, isOutside: true }
  return line.kind === 'seal'
    ? [{ sequence: line.sequence, position: line.position, chainHead: line.chainHead, by, isOutside: true }, itself]
    : [itself]
}

/** Checks the signatures of the lines from outside, under the keys in them and the given one. */
function checkOutside(
  identity: LogIdentity,
  { lines, publicKey }: KeptOutside,
  report: ReportFault,
): { isForeign: boolean; position: Position | null } {
  const keys = keyChain(identity, publicKey)
  let newest: { keyId: string; position: Position } | null = null
  for (const line of lines.toSorted((left, right) => comparePositions(left.event.position, right.event.position))) {
    if (line.council !== identity.councilId || line.incarnation !== identity.incarnation) {
      report(
        'seal_differs',
        line.event,
        `the ${line.kind} kept outside (recorded ${line.recordedAt}) is of another log: ${line.council}, incarnation ${line.incarnation}`,
      )
      continue
    }
    const { kind, council: _, incarnation: _incarnation, event: _event, recordedAt, ...data } = line
    if (kind === 'key' && 'publicKey' in data) {
      const problem = keys.introduce(data)
      if (problem) report('sealing_key_forged', line.event, `${problem} (kept outside, recorded ${recordedAt})`)
    } else if ('chainHead' in data) {
      newest = { keyId: data.keyId, position: line.event.position }
      if (!isSealedBy(keys, identity, data))
        report(
          'seal_forged',
          line.event,
          `the seal kept outside (recorded ${recordedAt}) is not signed by the key ${data.keyId}, or that key was never introduced`,
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
