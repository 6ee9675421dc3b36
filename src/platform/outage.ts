import { stdSerializers } from 'pino'
import { messageOf } from './platform-error.ts'

/** The code of a component that waits until a server can be reached again. */
export const outageCodes = ['store_unreachable'] as const
export type OutageCode = (typeof outageCodes)[number]

/** Of Node and the system (ECONNREFUSED), of PostgreSQL (classes 08, 53, 57: connection, resources, shutdown), and of this program. */
const outageCodePattern = /^(E[A-Z0-9]+|(08|53|57)[0-9A-Z]{3}|[a-z]+(_[a-z]+)+)$/
const outageWords =
  /^((outcome_unknown|log_unavailable|overloaded): |Connection is closed|Reached the max retries per request limit|Command timed out|Socket timeout|connect E|timeout exceeded when trying to connect|Connection terminated|(MISCONF|LOADING|CLUSTERDOWN|READONLY) )/

/** True if an error reports an unavailable server or disk. The stack does not help in that case. */
function isOutage(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return (outageCodePattern.test(code) && !code.startsWith('ERR_')) || outageWords.test(error.message)
}

/** Serialises errors for the log: with their stack, except outages. */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (!isOutage(error)) return stdSerializers.err(error)
  return { type: error.name, ...('code' in error && { code: error.code }), message: messageOf(error) }
}
