import type { Position, Principal, Uuid7 } from '../../identifiers.ts'

/** The hash field of a command: ids are per principal. */
export const commandField = (principal: Principal, commandId: Uuid7): string => `${principal} ${commandId}`

/** `<content hash> <first position> <last position>`, as append.lua stores it. */
export function parseCommand(stored: string): { contentHash: string; first: Position; last: Position } {
  const [contentHash = '', first = '', last = ''] = stored.split(' ')
  return { contentHash, first: first as Position, last: last as Position }
}
