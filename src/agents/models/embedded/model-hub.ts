/** Downloads a model from a model hub. */

import { Agent, request } from 'undici'
import { putIntoCache, type KnownFile, type Progress } from './model-store.ts'

export type HubSource = { repository: string; file: string }

const connectTimeoutMs = 10_000
const silenceMs = 30_000
const maxRedirects = 5

/** Downloads the file from a model hub into the cache. Resolves with its path; throws Error with the reason of a failure. */
export async function fetchFromHub(
  cacheDir: string,
  file: KnownFile,
  source: HubSource,
  hubUrl: string,
  progress: Progress,
): Promise<string> {
  const agent = new Agent({ connect: { timeout: connectTimeoutMs }, headersTimeout: silenceMs, bodyTimeout: silenceMs })
  const step = `downloading ${file.name}`
  try {
    progress(step, 0, file.bytes)
    const url = new URL(`${hubUrl.replace(/\/+$/, '')}/${source.repository}/resolve/main/${source.file}`)
    const body = await get(agent, url, maxRedirects)
    return await putIntoCache(cacheDir, file, body, (done) => {
      progress(step, done, file.bytes)
    })
  } finally {
    await agent.destroy()
  }
}

/** Follows the hub's redirects to its storage. Any host is accepted, because the file is verified by its SHA-256. */
async function get(agent: Agent, url: URL, redirectsLeft: number) {
  const { statusCode, headers, body } = await request(url, { dispatcher: agent, method: 'GET' })
  if (statusCode === 200) return body
  body.on('error', () => undefined).destroy()
  const location = headers['location']
  if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
    if (redirectsLeft === 0) throw new Error(`${url.origin} redirects more than ${maxRedirects} times`)
    return get(agent, new URL(location, url), redirectsLeft - 1)
  }
  throw new Error(`${url.origin} answered ${statusCode}`)
}
