import { CodedError } from '../../platform/coded-error.ts'

/** Why a read model stopped or cannot be rebuilt. Stable: `/health` shows them, `docs/errors.md` explains each. */
export const projectionFaultCodes = [
  'checkpoint_not_in_log', // the log has lost or replaced an event that the read model has applied
  'sequence_gap', // an event is missing from the log
  'poison_event', // an event that the projection cannot apply
  'projection_of_newer_program', // a newer program built the read model
  'rebuild_running', // another process is rebuilding it
  'rebuild_lost', // another process has taken over the rebuild
  'migration_failed', // this program cannot migrate the database's schema
] as const
export type ProjectionFaultCode = (typeof projectionFaultCodes)[number]

/** A fault that does not pass by itself, except `rebuild_running`. The message says what to do. */
export class ProjectionError extends CodedError<ProjectionFaultCode> {
  /** The position of the event concerned. */
  readonly at: string | undefined

  constructor(code: ProjectionFaultCode, message: string, options: { at?: string; cause?: unknown } = {}) {
    super(code, message, options.cause)
    this.at = options.at
  }
}
