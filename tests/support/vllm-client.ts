import { createServer, type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ModelCall, ModelClient } from '../../src/agents/models/model.ts'
import { createVllmClient, type VllmClient, type VllmClientOptions } from '../../src/agents/models/vllm/client.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { begun, call } from './model-calls.ts'
import { startVllmStandIn, type Answer, type StandIn, type StandInOptions } from './vllm-stand-in/server.ts'

/** Generous default limits; a test that needs tight ones sets its own. */
export const clientLimits = {
  connectTimeoutMs: 2_000,
  firstByteTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  concurrency: 4,
  maxQueued: 3,
  logger: silentLogger,
}

/** Starts a stand-in for vLLM and closes it when the test ends. */
export async function vllmServer(options: StandInOptions = {}): Promise<StandIn> {
  const standIn = await startVllmStandIn(options)
  onTestFinished(() => standIn.close())
  return standIn
}

/** Creates a client of these servers and closes it when the test ends. */
export function vllmClient(urls: readonly string[], options: Partial<VllmClientOptions> = {}): VllmClient {
  const client = createVllmClient({ urls, ...clientLimits, ...options })
  onTestFinished(() => client.close())
  return client
}

/** Starts a call whose gated answer has emitted `Paris`; `rest` reads the remainder. */
export function begunWith(answer: Answer, client: ModelClient, fields?: Partial<ModelCall>): ReturnType<typeof begun> {
  const stream = begun(client, call(fields))
  return answer.emit('Paris').then(() => stream)
}

/** The URL of a local port that refuses connections. */
export async function refusedUrl(): Promise<string> {
  const once = createServer()
  await new Promise<void>((listening) => once.listen(0, '127.0.0.1', listening))
  const { port } = once.address() as AddressInfo
  await new Promise((closed) => once.close(closed))
  return `http://127.0.0.1:${port}`
}
