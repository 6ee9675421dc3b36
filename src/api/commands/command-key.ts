import type { CommandGate } from '../../commands/gate/gate.ts'
import type { Rejection } from '../../commands/gate/types.ts'
import { Uuid7, type Principal } from '../../events/identifiers.ts'
import type { EventLog } from '../../events/log/log.ts'

export type CommandIdDependencies = {
  gate: Pick<CommandGate, 'stoppedBy'>
  log: Pick<EventLog, 'commandIdFor'>
  newId: () => Uuid7
}

export type CommandKey = { id: Uuid7 } | { key: string }

/** Visible ASCII without spaces: two headers arrive joined by a comma and a space, and must not form a key. */
const keyPattern = /^[\x21-\x7e]{1,128}$/

/**
 * Parses `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). A UUIDv7 is the command's id, in lower case since UUIDs are
 * case-insensitive (RFC 9562). Anything else is a key of the caller's own. Null when the header is not a key.
 */
export function parseCommandKey(header: unknown): CommandKey | null {
  if (typeof header !== 'string' || !keyPattern.test(header)) return null
  const id = Uuid7.safeParse(header.toLowerCase())
  return id.success ? { id: id.data } : { key: header }
}

/**
 * The id under which a command runs. A caller's own key maps to one id, assigned at its first use and remembered for 24 hours. A
 * rejection means that nothing was done.
 */
export async function commandIdOf(
  { gate, log, newId }: CommandIdDependencies,
  principal: Principal,
  key: CommandKey,
): Promise<{ ok: true; id: Uuid7 } | { ok: false; rejection: Rejection }> {
  if ('id' in key) return { ok: true, id: key.id }
  const stopped = gate.stoppedBy()
  if (stopped) return { ok: false, rejection: { result: 'rejected', code: 'log_stopped', message: stopped.message } }
  try {
    return { ok: true, id: await log.commandIdFor(principal, key.key, newId) }
  } catch {
    return {
      ok: false,
      rejection: {
        result: 'rejected',
        code: 'log_unavailable',
        message: 'the log cannot be reached; nothing was done',
      },
    }
  }
}
