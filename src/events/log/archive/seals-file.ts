import { closeSync, fsyncSync, ftruncateSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { RecordedEvent } from '../../event.ts'
import { Position } from '../../identifiers.ts'
import { sealEvents, type SealEvent } from '../../seals.ts'
import type { LogIdentity } from './chain.ts'

const common = {
  council: z.string(),
  incarnation: z.string(),
  /** The event in the log that the line copies. */
  event: z.strictObject({ sequence: z.int().positive(), position: Position }),
  recordedAt: z.iso.datetime(),
}

/** One JSON line of SEALS_FILE: a seal, or a newly introduced sealing key. An auditor needs nothing else from the council. */
export const SealLine = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('seal'), ...common, ...sealEvents.LogSealed.data.shape }),
  z.strictObject({ kind: z.literal('key'), ...common, ...sealEvents.SealingKeyIntroduced.data.shape }),
])
export type SealLine = z.infer<typeof SealLine>

export function sealLine(
  { councilId, incarnation }: LogIdentity,
  { type, data, sequence, position, metadata }: RecordedEvent<SealEvent>,
): SealLine {
  const about = { council: councilId, incarnation, event: { sequence, position }, recordedAt: metadata.occurredAt }
  return type === 'LogSealed' ? { kind: 'seal', ...about, ...data } : { kind: 'key', ...about, ...data }
}

/** The destination of seals outside the log. */
export type SealsOut = {
  /** True if another program keeps the lines, and they cannot be read back. */
  keepsNothing: boolean
  /** The last line; null if there is none. */
  last: () => SealLine | null
  /** Appends lines durably. */
  append: (lines: readonly SealLine[]) => void
}

/** Far longer than one line. */
const tailBytes = 16_384

/** Appends whole lines to a file, and removes a partial line after a crash. Throws the errors of the file system. */
export function sealsFile(path: string): SealsOut {
  return {
    keepsNothing: false,

    last() {
      const file = openSync(path, 'a+', 0o644)
      try {
        const { size } = fstatSync(file)
        const tail = Buffer.alloc(Math.min(size, tailBytes))
        readSync(file, tail, 0, tail.length, size - tail.length)
        const end = tail.lastIndexOf('\n') + 1
        if (end < tail.length) ftruncateSync(file, size - tail.length + end)
        const line = tail.toString('utf8', tail.subarray(0, Math.max(0, end - 1)).lastIndexOf('\n') + 1, end).trim()
        return line === '' ? null : SealLine.parse(JSON.parse(line))
      } finally {
        closeSync(file)
      }
    },

    append(lines) {
      const file = openSync(path, 'a', 0o644)
      try {
        writeSync(file, textOf(lines))
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      // The first line creates the file: sync its name too.
      const folder = openSync(dirname(path), 'r')
      try {
        fsyncSync(folder)
      } finally {
        closeSync(folder)
      }
    },
  }
}

/** An output stream such as stdout, whose reader keeps the lines. */
export const sealsOutput = (stream: { write: (text: string) => unknown }): SealsOut => ({
  keepsNothing: true,
  last: () => null,
  append: (lines) => void stream.write(textOf(lines)),
})

const textOf = (lines: readonly SealLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
