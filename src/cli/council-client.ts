import { WebSocket } from 'ws'
import { councilClient, type CouncilClient } from '../client/client.ts'
import type { ClientError } from '../client/client-error.ts'
import type { Config } from '../platform/config/config.ts'
import { findServer } from './chat/find-server.ts'
import { CliError } from './failure.ts'

/** A council's client, and the name of its server in messages. */
export type FoundCouncil = { client: CouncilClient; shownAs: string }

const handshakeTimeoutMs = 10_000
/** The longest answer, with room for its JSON. */
const maxFrameBytes = 16 * 1024 * 1024

/** A client of the council in COUNCIL_URL or on DATA_DIR. Throws CliError `usage` and `no_council`. */
export function findCouncil(config: Pick<Config, 'client' | 'council'>): FoundCouncil {
  const { url, token, shownAs } = findServer(config)
  const client = councilClient({
    url,
    token,
    shownAs,
    openSocket: (address, protocol, headers) =>
      new WebSocket(address, protocol, { headers, handshakeTimeout: handshakeTimeoutMs, maxPayload: maxFrameBytes }),
  })
  return { client, shownAs }
}

/** The same failure as the command line reports it, with its exit code. */
export function cliErrorOf(error: ClientError): CliError {
  const { code, message } = error
  if (code === 'interrupted' || code === 'no_council') return new CliError(code, message)
  return new CliError({ fromServer: code }, message)
}
