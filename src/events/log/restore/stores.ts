import { CodedError } from '../../../platform/coded-error.ts'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { Position } from '../../identifiers.ts'
import type { Archive } from '../archive/archive.ts'
import type { FoldOf } from '../folds.ts'
import type { LogKeys } from '../keys.ts'

/** What a log is restored from, and into. */
export type RestoreStores = { redis: RedisClient; keys: LogKeys; councilId: string; archive: Archive; foldOf: FoldOf }

/** Why nothing was restored. Nothing was written. Explained in `docs/errors.md`. */
export const restoreFaultCodes = [
  'no_archive', // nothing was ever archived here
  'histories_differ', // Redis holds something that is not a part of what is archived
  'archive_damaged', // the archive is not what its own hash chain was made over
  'log_in_use', // a council writes to it
] as const
export type RestoreFaultCode = (typeof restoreFaultCodes)[number]

export class RestoreRefused extends CodedError<RestoreFaultCode> {
  /** The event that it is about. */
  readonly at: Position | undefined

  constructor(code: RestoreFaultCode, message: string, at?: Position) {
    super(code, message)
    this.at = at
  }
}
