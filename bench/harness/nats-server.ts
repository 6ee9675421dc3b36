import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startChildServer } from './child-server.ts'
import { freePort } from './free-port.ts'
import { natsServerProgram, natsServerVersion } from './peers.ts'

export const natsSettings = {
  version: natsServerVersion,
  sync_interval: 'always',
  storage: 'file',
  replicas: 1,
} as const

export type NatsServer = { url: string; stop: () => Promise<void> }

/** A NATS server with JetStream that syncs its file before it acknowledges a message, on loopback. */
export async function startNats(dir: string): Promise<NatsServer> {
  await mkdir(dir)
  const port = await freePort()
  const config = join(dir, 'nats.conf')
  const settings = [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: "${join(dir, 'data')}", sync_interval: ${natsSettings.sync_interval}, max_file_store: 8GB }`,
  ]
  await writeFile(config, `${settings.join('\n')}\n`)
  const server = await startChildServer(
    { command: natsServerProgram, args: ['--config', config], cwd: dir },
    /Server is ready/,
  )
  return { url: `nats://127.0.0.1:${port}`, stop: () => server.end('SIGTERM') }
}
