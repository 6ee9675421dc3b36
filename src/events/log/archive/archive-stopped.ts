import { CodedError } from '../../../platform/coded-error.ts'
import type { Position } from '../../identifiers.ts'

/** The reasons for which the archiver stops. Each needs an operator. Explained in `docs/errors.md`. */
export const archiveFaultCodes = [
  'archive_of_another_log', // the database holds the archive of another council or another incarnation
  'archive_differs', // the log changed or lacks an archived event
  'archive_gap', // an event is missing between the archive and the log
  'archive_out_of_order', // the position of an event is not above the one before
  'forged_event', // the MAC of an event is not genuine, or missing
  'event_key_unknown', // the MAC of an event names a key that is not in MAC_KEY_FILE
  'seal_key_missing', // the log has seals, but the sealing key is missing
  'seal_key_unknown', // the sealing key is neither the one of this log nor signed by it
  'seal_key_unusable', // a key file does not hold a sealing key
  'seals_not_written', // SEALS_FILE cannot be written, or the archive has fewer events than the log; retried
  'seals_differ', // SEALS_FILE ends with a seal that is not in the log
] as const
export type ArchiveFaultCode = (typeof archiveFaultCodes)[number]

export class ArchiveStopped extends CodedError<ArchiveFaultCode> {
  /** The event with the fault. */
  readonly at: Position | undefined

  constructor(code: ArchiveFaultCode, message: string, options: { at?: Position | undefined; cause?: unknown } = {}) {
    super(code, options.at === undefined ? message : `${message} (event at ${options.at})`, options.cause)
    this.at = options.at
  }
}
