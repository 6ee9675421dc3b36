import { CodedError } from '../../../platform/coded-error.ts'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position } from '../../identifiers.ts'
import type { Archive } from '../archive/archive.ts'
import type { FoldOf } from '../folds.ts'
import type { LogKeys } from '../keys.ts'

/** The source and the target of a restore. */
export type RestoreStores = {
  redis: RedisClient
  keys: LogKeys
  councilId: string
  archive: Archive
  foldOf: FoldOf
  /** The rules of the index of deadlines, which a restore makes complete. */
  deadlineRules: string
}

/** The reasons for a restore to refuse; nothing was written. Explained in `docs/errors.md`. */
export const restoreFaultCodes = [
  'no_archive', // the archive is empty
  'histories_differ', // Redis holds events that contradict the archive
  'archive_damaged', // the archive does not match its own hash chain
  'log_in_use', // a council writes to it
] as const
export type RestoreFaultCode = (typeof restoreFaultCodes)[number]

export class RestoreRefused extends CodedError<RestoreFaultCode> {
  /** The event with the fault. */
  readonly at: Position | undefined

  constructor(code: RestoreFaultCode, message: string, at?: Position) {
    super(code, message)
    this.at = at
  }
}
