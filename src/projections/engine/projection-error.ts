import { CodedError } from '../../platform/coded-error.ts'

/** Why a read model stopped or cannot be rebuilt. Stable: `/health` shows them, `docs/errors.md` explains each. */
export const projectionFaultCodes = [
  'checkpoint_not_in_log', // the log has lost or replaced an event that the read model holds
  'sequence_gap', // an event is missing from the log
  'poison_event', // an event that the projection cannot take
  'projection_of_newer_program', // a newer program made the read model
  'rebuild_running', // somebody else rebuilds it
  'rebuild_lost', // somebody else has taken the rebuild over
  'migration_failed', // the database's schema is not one that this program can bring up to date
] as const
export type ProjectionFaultCode = (typeof projectionFaultCodes)[number]

/** A fault that waiting does not heal, except for `rebuild_running`. The message says what to do. */
export class ProjectionError extends CodedError<ProjectionFaultCode> {
  /** The event that it is about. */
  readonly at: string | undefined

  constructor(code: ProjectionFaultCode, message: string, options: { at?: string; cause?: unknown } = {}) {
    super(code, message, options.cause)
    this.at = options.at
  }
}
