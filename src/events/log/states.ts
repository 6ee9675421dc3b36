import type { StreamName } from '../identifiers.ts'
import type { StoredState } from './log.ts'

/** `<revision>:<fold version>:<state as JSON>`, as append.lua writes it. */
export function parseState(stream: StreamName, stored: string | null): StoredState {
  if (stored === null) return { stream, revision: 0, foldVersion: 0, state: undefined }
  const match = /^(\d+):(\d+):/.exec(stored)
  if (!match) throw new Error(`the stored state of ${stream} is malformed`)
  return { stream, revision: Number(match[1]), foldVersion: Number(match[2]), state: stored.slice(match[0].length) }
}
