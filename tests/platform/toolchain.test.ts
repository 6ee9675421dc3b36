import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { repositoryRoot } from '../../src/platform/config/config.ts'
import { startTicks } from '../../src/platform/process/processes.ts'

/**
 * A machine with a checkout, the programs of Debian, and a stand-in for npm that records its arguments and creates a
 * node_modules: the real npm takes most of a minute.
 */
type Machine = { checkout: string; tools: string; environment: Record<string, string> }

const lockfile = (version: string): string =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/node': { version, integrity: 'a' },
      'node_modules/vitest': { version: '1.0.0', integrity: 'b', dev: true },
    },
  })

const npm = `#!/usr/bin/env bash
set -e
echo "$* (on $(command -v node))" >>"$NPM_LOG"
modules=$CHECKOUT/node_modules
rm -rf "$modules"
if [ "$NPM_DOES" = fail ]; then echo 'npm error no space left'; exit 7; fi
if [ "$NPM_DOES" = hang ]; then echo "$$" >>"$NPM_LOG"; exec tail -f /dev/null; fi
mkdir -p "$modules/.bin" "$modules/node/bin"
if [[ "$*" != *--omit=dev* ]]; then mkdir "$modules/vitest"; fi
if [ "$NPM_DOES" = noscripts ]; then
  echo "require('node:fs').symlinkSync('$REAL_NODE', 'bin/node'); console.log('installed')" >"$modules/node/installArchSpecificPackage.js"
elif [ "$NPM_DOES" != nobinary ]; then
  ln -s "$REAL_NODE" "$modules/node/bin/node"
  ln -s ../node/bin/node "$modules/.bin/node"
fi
`
/** A stand-in for Node 20. */
const oldNode = `#!/bin/sh
case "$*" in
  *process.versions*) exit 1 ;;
  --version) echo v20.20.2 ;;
  *) exec "$REAL_NODE" "$@" ;;
esac
`
const programs =
  'bash sh env dirname basename readlink sha256sum cut mkdir rm mv ln cat head tail sleep mktemp flock'.split(' ')

function machine(npmDoes: 'install' | 'fail' | 'hang' | 'noscripts' | 'nobinary' = 'install'): Machine {
  const root = mkdtempSync(join(tmpdir(), 'toolchain-'))
  const [checkout, tools] = [join(root, 'check out'), join(root, 'tools')]
  for (const folder of [checkout, join(checkout, 'bin'), join(checkout, 'src'), tools]) mkdirSync(folder)
  for (const name of ['toolchain.sh', 'node-flags', 'council', 'start'])
    copyFileSync(join(repositoryRoot, 'bin', name), join(checkout, 'bin', name))
  const main = 'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }))'
  writeFileSync(join(checkout, 'src/main.ts'), main)
  writeFileSync(join(checkout, 'package-lock.json'), lockfile('26.0.0'))
  for (const name of programs) symlinkSync(placeOf(name), join(tools, name))
  writeFileSync(join(tools, 'npm'), npm, { mode: 0o755 })
  writeFileSync(join(tools, 'node'), oldNode, { mode: 0o755 })
  const npmLog = join(root, 'npm.log')
  writeFileSync(npmLog, '')
  return {
    checkout,
    tools,
    environment: { PATH: tools, CHECKOUT: checkout, NPM_LOG: npmLog, NPM_DOES: npmDoes, REAL_NODE: process.execPath },
  }
}

function placeOf(program: string): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))
  if (found === undefined) throw new Error(`this machine has no ${program}`)
  return found
}

const npmCalls = ({ environment }: Machine): string[] =>
  readFileSync(environment['NPM_LOG'] ?? '', 'utf8')
    .split('\n')
    .filter(Boolean)

async function run({ environment: env, checkout }: Machine, command: string, args: string[] = [], cwd = tmpdir()) {
  const child = spawn(join(checkout, 'bin', command), args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr, code: (await ended)[0] as number | null }
}

/** Installs all packages, those for development included, as `bin/test` does. */
const installAll = async ({ environment: env, checkout, tools }: Machine): Promise<void> => {
  const script = 'set -eu; source "$0/bin/toolchain.sh"; toolchain test full'
  const child = spawn(join(tools, 'bash'), ['-c', script, checkout], { env, stdio: 'ignore' })
  expect(await once(child, 'close')).toEqual([0, null])
}

/** Another version of a package, as after an update of the checkout. */
const updateLockfile = ({ checkout }: Machine) => writeFileSync(join(checkout, 'package-lock.json'), lockfile('26.0.1'))

const call = ({ checkout, tools }: Machine, omitted: string) =>
  `ci --no-audit --no-fund --no-update-notifier --prefix ${checkout}${omitted} (on ${tools}/node)`
const production = (machine: Machine) => call(machine, ' --omit=dev')
const full = (machine: Machine) => call(machine, '')

describe('the first command in a checkout', () => {
  test('installs the packages, reports that on stderr, and runs the council in the folder of the caller', async () => {
    const bare = machine()
    const cwd = mkdtempSync(join(tmpdir(), 'cwd-'))
    const { stdout, stderr, code } = await run(bare, 'council', ['chat', 'two words', '--json'], cwd)
    expect(JSON.parse(stdout)).toEqual({ args: ['chat', 'two words', '--json'], cwd })
    const reports = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    const elapsedMs: unknown = expect.any(Number)
    expect(reports).toContainEqual({ progress: 'installing packages', state: 'done', elapsedMs })
    expect(code).toBe(0)
    expect(npmCalls(bare)).toEqual([production(bare)])
  })

  test('works through a link, and bin/start is `serve`', async () => {
    const bare = machine()
    symlinkSync('start', join(bare.checkout, 'bin/link'))
    const { stdout } = await run(bare, 'link', ['--roles', 'api'])
    expect(JSON.parse(stdout)).toMatchObject({ args: ['serve', '--roles', 'api'] })
  })

  test('explains how to install a missing npm', async () => {
    const bare = machine()
    rmSync(join(bare.tools, 'npm'))
    expect(await run(bare, 'start')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'bin/start: npm is missing. Install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm), then run this again.\n',
    })
  })

  test('prints the output of an npm that failed, and tries again the next time', async () => {
    const bare = machine('fail')
    const { stderr, code } = await run(bare, 'council')
    expect(code).toBe(1)
    expect(stderr).toContain('npm error no space left\nbin/council: installing packages failed (exit code 7): npm ci')
    expect((await run({ ...bare, environment: { ...bare.environment, NPM_DOES: 'install' } }, 'council')).code).toBe(0)
  })

  test('installs the node binary itself if npm may not run the scripts of packages', async () => {
    const bare = machine('noscripts')
    const { code, stderr } = await run(bare, 'council')
    expect(stderr).toContain('"progress":"installing node","state":"done"')
    expect(code).toBe(0)
  })

  test('refuses a node that is too old', async () => {
    const { code, stdout, stderr } = await run(machine('nobinary'), 'council')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(
      'bin/council: Node 26 could not be installed for this machine, and the one here is v20.20.2. Install Node 26 or newer',
    )
  })

  test('uses a newer node of the machine if the package has no binary', async () => {
    const bare = machine('nobinary')
    rmSync(join(bare.tools, 'node'))
    symlinkSync(process.execPath, join(bare.tools, 'node'))
    expect((await run(bare, 'council')).code).toBe(0)
    expect((await run(bare, 'council')).code).toBe(0)
    expect(npmCalls(bare)).toHaveLength(1)
  })

  test('ends npm when it is interrupted, and marks nothing as installed', async () => {
    const bare = machine('hang')
    const child = spawn(join(bare.checkout, 'bin/council'), {
      env: bare.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await once(child.stderr, 'data') // the first report comes after a second
    const pid = Number(npmCalls(bare)[1])
    expect(startTicks(pid)).toBeDefined()
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(startTicks(pid)).toBeUndefined()
    expect(existsSync(join(bare.checkout, 'node_modules/.council-installed'))).toBe(false)
  })
})

describe('a later command', () => {
  test('installs nothing unless package-lock.json has changed', async () => {
    const known = machine()
    await run(known, 'council')
    expect(await run(known, 'council')).toMatchObject({ code: 0, stderr: '' })
    expect(npmCalls(known)).toHaveLength(1)
    updateLockfile(known)
    expect(await run(known, 'council')).toMatchObject({ code: 0 })
    expect(npmCalls(known)).toHaveLength(2)
  })

  test('adds the packages for development on demand, and never removes them', async () => {
    const known = machine()
    await run(known, 'council')
    await installAll(known)
    await run(known, 'council')
    await installAll(known)
    expect(npmCalls(known)).toEqual([production(known), full(known)])
    updateLockfile(known)
    await run(known, 'council')
    expect(npmCalls(known).slice(2)).toEqual([full(known)])
  })

  test('accepts a manual installation that matches package-lock.json', async () => {
    const known = machine()
    await installAll(known)
    const modules = join(known.checkout, 'node_modules')
    for (const [installed, calls] of [
      ['26.0.0', 1],
      ['25.9.9', 2],
    ] as const) {
      rmSync(join(modules, '.council-installed'))
      writeFileSync(join(modules, '.package-lock.json'), lockfile(installed))
      await installAll(known)
      expect(npmCalls(known)).toHaveLength(calls)
    }
  })

  test('waits for the installation of another process, and does not repeat it', async () => {
    const bare = machine()
    const outcomes = await Promise.all([run(bare, 'council', ['1']), run(bare, 'council', ['2']), run(bare, 'start')])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(npmCalls(bare)).toHaveLength(1)
  })
})
