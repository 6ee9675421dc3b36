import { createServer, type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ModelClient } from '../../src/agents/models/model.ts'
import { createVllmClient, type VllmClientOptions } from '../../src/agents/models/vllm/client.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { startVllmStandIn, type StandIn, type StandInOptions } from './vllm-stand-in/server.ts'

/** Limits that no test reaches unless it sets its own. */
export const clientLimits = {
  connectTimeoutMs: 2_000,
  firstByteTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  concurrency: 4,
  maxQueued: 3,
  logger: silentLogger,
}

/** A stand-in for vLLM that lives as long as the test. */
export async function vllmServer(options: StandInOptions = {}): Promise<StandIn> {
  const standIn = await startVllmStandIn(options)
  onTestFinished(() => standIn.close())
  return standIn
}

/** A client of these servers that lives as long as the test. */
export function vllmClient(urls: readonly string[], options: Partial<VllmClientOptions> = {}): ModelClient {
  const client = createVllmClient({ urls, ...clientLimits, ...options })
  onTestFinished(() => client.close())
  return client
}

/** An address at which nobody listens. */
export async function nobody(): Promise<string> {
  const once = createServer()
  await new Promise<void>((listening) => once.listen(0, '127.0.0.1', listening))
  const { port } = once.address() as AddressInfo
  await new Promise((closed) => once.close(closed))
  return `http://127.0.0.1:${port}`
}
