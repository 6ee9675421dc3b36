import { readFileSync, statfsSync } from 'node:fs'

/** Why a child process is not running. The codes are stable; `docs/errors.md` has the remedies. The child is restarted in every case. */
export const childFaultCodes = [
  'disk_full', // no room, or no more files, where DATA_DIR is
  'permission_denied', // the file system does not let this user write, or is read-only
  'file_damaged', // what the child has stored cannot be read any more
  'address_in_use', // another process listens where it should
  'out_of_memory', // the kernel killed it, or it got no memory
  'child_ended', // anything else: the end of its log says more
] as const
export type ChildFaultCode = (typeof childFaultCodes)[number]

export type ChildFault = { code: ChildFaultCode; message: string }

/** Less free space than this is useless to a child that writes blocks. */
const fullBelowBytes = 1024 * 1024
/** Output from long before the end does not explain it. */
const lastWordsLines = 12

const signs: readonly (readonly [ChildFaultCode, RegExp])[] = [
  ['disk_full', /No space left on device|ENOSPC|could not extend file|Disk quota exceeded|EDQUOT/i],
  ['permission_denied', /Permission denied|EACCES|EPERM|Operation not permitted|Read-only file system|EROFS/i],
  [
    'file_damaged',
    /Bad file format reading the append only file|Unexpected end of file reading the append only file|Unrecoverable error reading the append only file|is broken or doesn't exist|could not locate a valid checkpoint|invalid (primary )?checkpoint record|database files are incompatible/i,
  ],
  ['address_in_use', /Address already in use|EADDRINUSE/i],
  ['out_of_memory', /Out Of Memory|Cannot allocate memory|ENOMEM|heap out of memory/i],
]

const meanings: Record<Exclude<ChildFaultCode, 'child_ended'>, string> = {
  disk_full: 'the disk that holds DATA_DIR is full: make room',
  permission_denied: 'the file system does not let it write in DATA_DIR',
  file_damaged: 'its files in DATA_DIR cannot be read',
  address_in_use: 'another process listens on its address',
  out_of_memory: 'this machine has no memory for it',
}

export type ChildEnd = {
  /** How it ended, or why it could not be started, in a few words. */
  how: string
  /** Its output since it was started. */
  said: string
  dataDir: string
  /** Whether it got SIGKILL from somewhere else, and how often the kernel had done that before it was started. */
  killed?: { oomKillsBefore: number }
}

/** The cause of a child's end, from its output, the disk and the kernel. */
export function faultOf({ how, said, dataDir, killed }: ChildEnd): ChildFault {
  const lastWords = said.trimEnd().split('\n').slice(-lastWordsLines).join('\n')
  const code = signs.find(([, sign]) => sign.test(lastWords) || sign.test(how))?.[0] ?? unsaid(dataDir, killed)
  return { code, message: code === 'child_ended' ? how : `${meanings[code]} (${how})` }
}

/** A child on a full disk cannot log that, and a killed child logs nothing. */
function unsaid(dataDir: string, killed: ChildEnd['killed']): ChildFaultCode {
  if (isFull(dataDir)) return 'disk_full'
  return killed && oomKills() > killed.oomKillsBefore ? 'out_of_memory' : 'child_ended'
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize, ffree, files } = statfsSync(folder)
    return bavail * bsize < fullBelowBytes || (files > 0 && ffree === 0)
  } catch {
    return false
  }
}

/** The number of processes that the Linux kernel has killed for lack of memory since boot; 0 if unknown. */
export function oomKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
