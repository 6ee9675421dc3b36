import type { Position, Uuid7 } from '../../identifiers.ts'

/** The field under which a command is remembered: ids belong to their principal. */
export const commandField = (principal: string, commandId: Uuid7): string => `${principal} ${commandId}`

/** `<content hash> <first position> <last position>`, as append.lua stores it. */
export function parseCommand(stored: string): { contentHash: string; first: Position; last: Position } {
  const [contentHash = '', first = '', last = ''] = stored.split(' ')
  return { contentHash, first: first as Position, last: last as Position }
}
