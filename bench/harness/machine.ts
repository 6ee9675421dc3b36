import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { z } from 'zod'
import { natsServerVersion } from './peers.ts'

const run = promisify(execFile)
const firstLine = async (command: string, args: string[]): Promise<string> =>
  (await run(command, args, { timeout: 60_000 })).stdout.split('\n')[0]?.trim() ?? ''

const Lockfile = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) })

/** The machine, its load, and the versions of the measured programs. */
export async function describeMachine() {
  const version = (lockfile: string, name: string): string =>
    Lockfile.parse(JSON.parse(readFileSync(new URL(lockfile, import.meta.url), 'utf8'))).packages[
      `node_modules/${name}`
    ]?.version ?? 'unknown'
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      kernel: release(),
      loadBefore: loadavg(),
    },
    versions: {
      node: process.version,
      redis: await firstLine('redis-server', ['--version']),
      ioredis: version('../../package-lock.json', 'ioredis'),
      emmettPostgresql: version('../peers/package-lock.json', '@event-driven-io/emmett-postgresql'),
      natsServer: natsServerVersion,
      natsClient: version('../peers/package-lock.json', '@nats-io/transport-node'),
    },
  }
}

/** The measured commit, with `+changes` if `src` or `bench` has uncommitted changes. */
export async function measuredCommit(): Promise<string> {
  const commit = await firstLine('git', ['rev-parse', 'HEAD'])
  const changes = await firstLine('git', ['status', '--porcelain', '--untracked-files=no', '--', 'src', 'bench'])
  return changes === '' ? commit : `${commit}+changes`
}
