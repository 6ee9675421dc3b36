import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dataPaths, makePrivateDir } from './data-dir.ts'

/** A log that has grown past this is kept once as `<name>.log.1` when its child starts; older ones go. */
const maxLogBytes = 8 * 1024 * 1024
const tailLines = 5

/** Opens the file into which a child writes both its outputs. `close` when the child has it. */
export function openLog(dataDir: string, name: string): { fd: number; close: () => void } {
  const path = logPath(dataDir, name)
  makePrivateDir(dataPaths(dataDir).logs)
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(path, `${path}.1`)
  const fd = openSync(path, 'a', 0o600)
  return { fd, close: () => closeSync(fd) }
}

/** The last lines of a child's log and where it is, for the message that says why the child is not there. */
export function logTail(dataDir: string, name: string): string {
  const path = logPath(dataDir, name)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-tailLines)
  return `The end of ${path}:\n${lines.join('\n')}`
}

function logPath(dataDir: string, name: string): string {
  return join(dataPaths(dataDir).logs, `${name}.log`)
}
