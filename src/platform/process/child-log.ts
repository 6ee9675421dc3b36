import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dataPaths, makePrivateDir } from './data-dir.ts'

/** A larger log becomes `<name>.log.1` when its child starts; older ones are deleted. */
const maxLogBytes = 8 * 1024 * 1024
const tailLines = 5
const maxSaidBytes = 16 * 1024

/** The file for a child's stdout and stderr. */
export type ChildLog = {
  fd: number
  /** Called when the child has the descriptor. */
  close: () => void
  /** The text written since it was opened, at most the newest 16 KiB. Empty if it cannot be read. */
  said: () => string
}

export function openLog(dataDir: string, name: string): ChildLog {
  const path = logPath(dataDir, name)
  makePrivateDir(dataPaths(dataDir).logs)
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(path, `${path}.1`)
  const fd = openSync(path, 'a', 0o600)
  const { size: before } = fstatSync(fd)
  return { fd, close: () => closeSync(fd), said: () => textAfter(path, before) }
}

function textAfter(path: string, offset: number): string {
  try {
    const text = readFileSync(path)
    return text.subarray(Math.max(offset, text.length - maxSaidBytes)).toString('utf8')
  } catch {
    return ''
  }
}

/** The last lines of a child's log and its path, for the message about its failure. */
export function logTail(dataDir: string, name: string): string {
  const path = logPath(dataDir, name)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-tailLines)
  return `The end of ${path}:\n${lines.join('\n')}`
}

function logPath(dataDir: string, name: string): string {
  return join(dataPaths(dataDir).logs, `${name}.log`)
}
