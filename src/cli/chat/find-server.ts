import type { Config } from '../../platform/config/config.ts'
import { readServerFile } from '../../platform/process/server-file.ts'
import { CliError } from '../failure.ts'
import { noCouncil } from '../running-council.ts'

/** The address of a server's HTTP API, and its token. `shownAs` names it in messages. */
export type ChatServer = { url: string; token: string; shownAs: string }

/**
 * The server in COUNCIL_URL and COUNCIL_TOKEN, or the one that runs on DATA_DIR. Never sends the token of the local server elsewhere.
 * Throws CliError `usage` for an address without a token, and `no_council` when there is no server.
 */
export function findServer({ client, council: { dataDir } }: Pick<Config, 'client' | 'council'>): ChatServer {
  const given = client.token?.reveal()
  if (client.url) {
    const token = given ?? tokenOfLocal(dataDir, client.url)
    if (!token) throw new CliError('usage', `COUNCIL_URL is set to ${client.url}, but COUNCIL_TOKEN is missing`)
    return { url: httpUrl(client.url), token, shownAs: `at ${client.url}` }
  }
  const local = readServerFile(dataDir)
  if (!local) throw noCouncil(`on ${dataDir}`, dataDir)
  return { url: local.url, token: given ?? local.token, shownAs: `on ${dataDir}` }
}

function tokenOfLocal(dataDir: string, url: string): string | undefined {
  const local = readServerFile(dataDir)
  return local?.url === url ? local.token : undefined
}

const httpUrl = (url: string): string => url.replace(/^ws/, 'http')
