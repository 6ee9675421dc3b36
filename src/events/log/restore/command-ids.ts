import { Uuid7, uuid7TimeMs, type Position } from '../../identifiers.ts'
import { readArchiveFirst } from '../read/archive-first.ts'
import { commandField } from '../append/command-ids.ts'
import { readStored } from '../read/stored-event.ts'
import type { RestoreStores } from './stores.ts'

type Open = { command: RememberedCommand; of: string; contentHash: string; first: Position }

/** A command id as append.lua stores it, and the caller's idempotency key for it. */
export type RememberedCommand = {
  key: string
  field: string
  value: string
  callersKey: { key: string; id: Uuid7 } | null
}

/**
 * The ids of all commands since a time, in log order and in batches. The events of a command are adjacent, because one append wrote
 * them. A command without a content hash gets one that no command has, so that it never runs again.
 */
export async function* commandsSince(
  { redis, keys, archive }: RestoreStores,
  windowStartMs: number,
  marginMs: number,
): AsyncGenerator<RememberedCommand[]> {
  const after = `${Math.max(0, windowStartMs - marginMs)}-0` as Position
  let open: Open | undefined

  for await (const events of readArchiveFirst(archive, redis, keys.log, after)) {
    const closed: RememberedCommand[] = []
    for (const stored of events) {
      const { actor, commandId, idempotencyKey, contentHash = noCommandHasThis } = readStored(stored).metadata
      const id = Uuid7.safeParse(commandId)
      if (!id.success || uuid7TimeMs(id.data) < windowStartMs) continue
      const field = commandField(actor, id.data)
      if (open?.of !== field) {
        if (open) closed.push(open.command)
        const callersKey =
          idempotencyKey === undefined ? null : { key: keys.callersKey(actor, idempotencyKey), id: id.data }
        open = {
          command: { key: keys.commands(uuid7TimeMs(id.data)), field, value: '', callersKey },
          of: field,
          contentHash,
          first: stored.position,
        }
      }
      open.command.value = `${open.contentHash} ${open.first} ${stored.position}`
    }
    yield closed
  }
  if (open) yield [open.command]
}

const noCommandHasThis = '-'
