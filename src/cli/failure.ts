import { CodedError, codeOf } from '../platform/coded-error.ts'
import { messageOf } from '../platform/platform-error.ts'
import { StartFailed } from './serve/start-failure.ts'

/** Why a command failed. Stable; `docs/errors.md` explains each. Failures of the layers below keep their own codes. */
export const cliErrorCodes = [
  'usage', // the arguments or settings are not right; exit code 2, everything else is 1
  'council_starting', // one is starting on this DATA_DIR; ask again in a moment
  'data_dir_in_use', // a council runs on this DATA_DIR already
  'no_council', // nothing runs on this DATA_DIR, or at that address
  'no_log', // this Redis holds no log of this council
  'no_archive', // it cannot be reached, and not all of the log is in Redis any more
  'stream_unknown', // nothing was ever written to this stream
  'account_unknown', // no such account was ever opened
  'request_unknown', // there is no such prompt
  'election_unknown', // there is no such election
  'election_open', // the election has not ended yet
  'election_differs', // the recorded result is not what its ballots give
  'ballots_not_ranked', // the ballots of the election are scores or approvals
  'malformed_election', // a line of `gedi tally` is no election
  'fold_failed', // the events of a stream do not follow each other
  'state_differs', // the stored state is not the fold of its events
  'bill_differs', // a prompt's bill is not the sum of its debits
  'receipt_malformed', // the file is no receipt
  'receipt_forged', // a receipt was changed, or another key signed it
  'bounty_unknown', // the log has no such bounty
  'escrow_differs', // the movements of an escrow are not what its bounty says
  'evidence_differs', // the index of the archive and the log lead to different events
  'ledger_differs', // the ledger paid for a model call otherwise than the budget was debited
  'model_unpriced', // a model has no price, so the worker does not start
  'price_changed', // the log has the same price at other rates, so the worker does not start
  'price_differs', // the tokens of a model call cost another amount at the price that it names
  'read_model_differs', // Postgres does not show what the log says
  'unauthorized', // the server does not take this token
  'malformed_frame', // the server said something that is not the protocol
  'answer_differs', // the streamed text is not the answer that was recorded
  'connection_lost', // and it did not come back
  'cancelled', // another client cancelled the prompt
  'interrupted', // by Ctrl-C
  'output_failed', // what the command has to say could not be written
  'shutdown_cut_short', // steps of an orderly stop did not end in time
  'internal', // a defect
] as const
export type CliErrorCode = (typeof cliErrorCodes)[number]

/** Ends a command. `fromServer` is a code that the server sent. */
export class CliError extends CodedError<string> {
  readonly exitCode: number

  constructor(code: CliErrorCode | { fromServer: string }, message: string) {
    super(typeof code === 'string' ? code : code.fromServer, message)
    this.exitCode = code === 'usage' ? 2 : code === 'interrupted' ? 130 : 1
  }
}

export type Failure = { code: string; message: string; exitCode: number }

/** What the command line reports of any error that ends a command. */
export function failureOf(error: unknown): Failure {
  if (error instanceof StartFailed) return { ...failureOf(error.cause), message: error.message }
  if (error instanceof CliError) return { code: error.code, message: error.message, exitCode: error.exitCode }
  return { code: codeOf(error) ?? 'internal', message: messageOf(error), exitCode: 1 }
}
