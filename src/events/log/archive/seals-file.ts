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
  /** The event in the log that it is a copy of. */
  event: z.strictObject({ sequence: z.int().positive(), position: Position }),
  recordedAt: z.iso.datetime(),
}

/** One line of SEALS_FILE, JSON: a seal, or the key that makes seals from there on. All that an auditor needs, with no access to the council. */
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

/** Where seals go, outside of the log. */
export type SealsOut = {
  /** Whether lines are only passed on, to be kept by somebody else. */
  keepsNothing: boolean
  /** The last line that is there; null: none. */
  last: () => SealLine | null
  /** Appends lines; they are on disk when this returns. */
  append: (lines: readonly SealLine[]) => void
}

/** Far more than one line is long. */
const tailBytes = 16_384

/** A file to which lines are appended, each whole or not at all: what a crash has left of a line is removed. Throws what the file system throws. */
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
      // The first line has made the file: its name must be on disk as well.
      const folder = openSync(dirname(path), 'r')
      try {
        fsyncSync(folder)
      } finally {
        closeSync(folder)
      }
    },
  }
}

/** A stream, for example stdout, behind which somebody else keeps the lines. */
export const sealsStream = (stream: { write: (text: string) => unknown }): SealsOut => ({
  keepsNothing: true,
  last: () => null,
  append: (lines) => void stream.write(textOf(lines)),
})

const textOf = (lines: readonly SealLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
