import type { CommandGate } from '../../commands/gate/gate.ts'
import type { Rejection } from '../../commands/gate/types.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import type { EventLog } from '../../events/log/log.ts'

export type CommandIdDependencies = {
  gate: Pick<CommandGate, 'stoppedBy'>
  log: Pick<EventLog, 'commandIdFor'>
  newId: () => Uuid7
}

export type CommandKey = { id: Uuid7 } | { key: string }

/** Visible ASCII: no spaces, so that two headers, which arrive as one with a comma and a space between them, are no key. */
const keyPattern = /^[\x21-\x7e]{1,128}$/

/**
 * What a client may send as `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). A UUIDv7 is the command's id itself, in
 * lower case: UUIDs are read without regard to case (RFC 9562). Everything else is a key of the caller's own. Null for what is none.
 */
export function parseCommandKey(header: unknown): CommandKey | null {
  if (typeof header !== 'string' || !keyPattern.test(header)) return null
  const id = Uuid7.safeParse(header.toLowerCase())
  return id.success ? { id: id.data } : { key: header }
}

/**
 * The id under which a command runs. A caller's own key stands for one id, made here, for as long as ids are remembered (24 hours
 * from its first use); behind that it is unknown again. Nothing has been done where this is rejected.
 */
export async function commandIdOf(
  { gate, log, newId }: CommandIdDependencies,
  principal: string,
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
        message: 'nothing was done: the log cannot be reached',
      },
    }
  }
}
