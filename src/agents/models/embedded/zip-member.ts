import { createReadStream, type ReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'

/**
 * Reads one member of a zip archive, such as a Python wheel, as a stream. Supports the part of the format that wheels use
 * (PKWARE APPNOTE 4.3): stored or deflated members, no encryption, less than 4 GiB.
 * Throws Error when the file is no such archive or has no member whose name ends in `suffix`. The content is not verified.
 */
export async function openZipMember(path: string, suffix: string): Promise<{ size: number; content: Readable }> {
  const member = await findMember(path, suffix)
  const raw = createReadStream(path, { start: member.dataStart, end: member.dataStart + member.compressedSize - 1 })
  if (member.method === stored) return { size: member.size, content: raw }
  if (member.method !== deflated)
    throw new Error(`${path} uses compression method ${member.method}, which is not supported`)
  return { size: member.size, content: inflated(raw) }
}

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const localHeader = 0x04034b50
const stored = 0
const deflated = 8
const endRecordBytes = 22
const maxCommentBytes = 65_535
const entryBytes = 46
const localBytes = 30
const maxDirectoryBytes = 16 * 1024 * 1024

type Member = { method: number; compressedSize: number; size: number; dataStart: number }

async function findMember(path: string, suffix: string): Promise<Member> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const read = async (position: number, length: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
      if (bytesRead < length) throw new Error(`${path} ends too early for a zip archive`)
      return buffer
    }

    const tailBytes = Math.min(size, endRecordBytes + maxCommentBytes)
    const tail = await read(size - tailBytes, tailBytes)
    let end = tail.length - endRecordBytes
    while (end >= 0 && tail.readUInt32LE(end) !== endOfDirectory) end -= 1
    if (end < 0) throw new Error(`${path} is not a zip archive`)
    const directoryBytes = tail.readUInt32LE(end + 12)
    if (directoryBytes > maxDirectoryBytes) throw new Error(`${path} has a directory of ${directoryBytes} bytes`)
    const directory = await read(tail.readUInt32LE(end + 16), directoryBytes)

    for (let at = 0; at + entryBytes <= directory.length;) {
      if (directory.readUInt32LE(at) !== directoryEntry) throw new Error(`${path} has a broken directory`)
      const nameBytes = directory.readUInt16LE(at + 28)
      const name = directory.toString('utf8', at + entryBytes, at + entryBytes + nameBytes)
      if (name.endsWith(suffix)) {
        const local = directory.readUInt32LE(at + 42)
        const header = await read(local, localBytes)
        if (header.readUInt32LE(0) !== localHeader) throw new Error(`${path} has a broken member ${name}`)
        return {
          method: directory.readUInt16LE(at + 10),
          compressedSize: directory.readUInt32LE(at + 20),
          size: directory.readUInt32LE(at + 24),
          // The local header's extra field may be longer than the directory's.
          dataStart: local + localBytes + header.readUInt16LE(26) + header.readUInt16LE(28),
        }
      }
      at += entryBytes + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
    }
    throw new Error(`${path} contains no ${suffix} file`)
  } finally {
    await file.close()
  }
}

function inflated(raw: ReadStream): Readable {
  const inflate = createInflateRaw()
  raw.on('error', (error) => inflate.destroy(error))
  inflate.on('close', () => raw.destroy())
  return raw.pipe(inflate)
}
