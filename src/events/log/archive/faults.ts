import { CodedError } from '../../../platform/coded-error.ts'
import type { Position } from '../../identifiers.ts'

/** Why the archiver stops. Each needs an operator; waiting heals none. Explained in `docs/errors.md`. */
export const archiveFaultCodes = [
  'archive_of_another_log', // the database has the archive of another council, or of another incarnation of this one
  'archive_differs', // the log has another event in a place that is archived already, or lacks one
  'archive_gap', // an event is missing between the archive and the log
  'archive_out_of_order', // an event stands at a position that is not above the one before
  'forged_event', // the MAC of an event is not genuine, or missing
  'event_key_unknown', // an event is vouched for under a key that MAC_KEY_FILE does not hold
  'seal_key_missing', // the log has seals, but the key that made them is not here
  'seal_key_unknown', // the key here is not the one that sealed this log, nor signed by it
  'seal_key_unusable', // a file that should hold a sealing key does not
  'seals_not_written', // SEALS_FILE cannot be written, or the archive is behind it; it is tried again
  'seals_differ', // SEALS_FILE ends with a seal that is not in the log
] as const
export type ArchiveFaultCode = (typeof archiveFaultCodes)[number]

export class ArchiveStopped extends CodedError<ArchiveFaultCode> {
  /** The event that it is about. */
  readonly at: Position | undefined

  constructor(code: ArchiveFaultCode, message: string, options: { at?: Position | undefined; cause?: unknown } = {}) {
    super(code, options.at === undefined ? message : `${message} (event at ${options.at})`, options.cause)
    this.at = options.at
  }
}
