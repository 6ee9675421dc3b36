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
 * A machine with a checkout, the programs that Debian has, and an npm that only writes down what it is asked for and makes a
 * node_modules. The real one was measured by hand: it takes most of a minute.
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
/** A node 20, as far as it is asked. */
const oldNode = `#!/bin/sh
case "$*" in
  *process.versions*) exit 1 ;;
  --version) echo v20.20.2 ;;
  *) exec "$REAL_NODE" "$@" ;;
esac
`
const programs = [
  'bash',
  'sh',
  'env',
  'dirname',
  'basename',
  'readlink',
  'sha256sum',
  'cut',
  'mkdir',
  'rm',
  'mv',
  'ln',
  'cat',
  'head',
  'tail',
  'sleep',
  'mktemp',
  'flock',
]

function machine(npmDoes: 'install' | 'fail' | 'hang' | 'noscripts' | 'nobinary' = 'install'): Machine {
  const root = mkdtempSync(join(tmpdir(), 'toolchain-'))
  const [checkout, tools] = [join(root, 'check out'), join(root, 'tools')]
  for (const folder of [checkout, join(checkout, 'bin'), join(checkout, 'src'), tools]) mkdirSync(folder)
  for (const name of ['toolchain.sh', 'node-flags', 'council', 'start'])
    copyFileSync(join(repositoryRoot, 'bin', name), join(checkout, 'bin', name))
  writeFileSync(
    join(checkout, 'src/main.ts'),
    'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }))',
  )
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

async function run({ environment, checkout }: Machine, command: string, args: string[] = [], cwd = tmpdir()) {
  const child = spawn(join(checkout, 'bin', command), args, {
    cwd,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { stdout, stderr, code }
}

/** Brings everything as `bin/test` does. */
const bringFull = async ({ environment, checkout }: Machine): Promise<void> => {
  const child = spawn(
    join(environment['PATH'] ?? '', 'bash'),
    ['-c', 'set -eu; source "$0/bin/toolchain.sh"; toolchain test full', checkout],
    { env: environment, stdio: 'ignore' },
  )
  expect(await once(child, 'close')).toEqual([0, null])
}

const production = (checkout: string, tools: string) =>
  `ci --no-audit --no-fund --no-update-notifier --prefix ${checkout} --omit=dev (on ${tools}/node)`
const full = (checkout: string, tools: string) =>
  `ci --no-audit --no-fund --no-update-notifier --prefix ${checkout} (on ${tools}/node)`

describe('the first command in a checkout', () => {
  test('installs what is needed to run, says so on stderr, and runs the council where the caller stands', async () => {
    const bare = machine()
    const cwd = mkdtempSync(join(tmpdir(), 'cwd-'))
    const { stdout, stderr, code } = await run(bare, 'council', ['chat', 'two words', '--json'], cwd)
    expect(JSON.parse(stdout)).toEqual({ args: ['chat', 'two words', '--json'], cwd })
    expect(
      stderr
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as unknown),
    ).toContainEqual({ progress: 'installing packages', state: 'done', elapsedMs: expect.any(Number) as number })
    expect(code).toBe(0)
    expect(npmCalls(bare)).toEqual([production(bare.checkout, bare.tools)])
  })

  test('works through a link, and bin/start is `serve`', async () => {
    const bare = machine()
    symlinkSync('start', join(bare.checkout, 'bin/link'))
    expect(JSON.parse((await run(bare, 'link', ['--roles', 'api'])).stdout)).toMatchObject({
      args: ['serve', '--roles', 'api'],
    })
  })

  test('says what to do when there is no npm', async () => {
    const bare = machine()
    rmSync(join(bare.tools, 'npm'))
    expect(await run(bare, 'start')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'bin/start: npm is missing. Install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm), then run this again.\n',
    })
  })

  test('shows what npm said when it failed, and tries again the next time', async () => {
    const bare = machine('fail')
    const { stderr, code } = await run(bare, 'council')
    expect(code).toBe(1)
    expect(stderr).toContain('npm error no space left\nbin/council: installing packages failed (exit code 7): npm ci')
    expect((await run({ ...bare, environment: { ...bare.environment, NPM_DOES: 'install' } }, 'council')).code).toBe(0)
  })

  test('brings the node binary itself when npm may not run the scripts of packages', async () => {
    const bare = machine('noscripts')
    const { code, stderr } = await run(bare, 'council')
    expect(stderr).toContain('"progress":"installing node","state":"done"')
    expect(code).toBe(0)
  })

  test('does not go on with a node that is too old', async () => {
    const { code, stdout, stderr } = await run(machine('nobinary'), 'council')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(
      'bin/council: Node 26 could not be installed for this machine, and the one here is v20.20.2. Install Node 26 or newer',
    )
  })

  test('is content with a newer node of the machine where the package has none', async () => {
    const bare = machine('nobinary')
    rmSync(join(bare.tools, 'node'))
    symlinkSync(process.execPath, join(bare.tools, 'node'))
    expect((await run(bare, 'council')).code).toBe(0)
    expect((await run(bare, 'council')).code).toBe(0)
    expect(npmCalls(bare)).toHaveLength(1)
  })

  test('that is interrupted ends npm too, and leaves nothing that looks installed', async () => {
    const bare = machine('hang')
    const child = spawn(join(bare.checkout, 'bin/council'), {
      env: bare.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await once(child.stderr, 'data') // the first second of the installation has passed
    const pid = Number(npmCalls(bare)[1])
    expect(startTicks(pid)).toBeDefined()
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(startTicks(pid)).toBeUndefined()
    expect(existsSync(join(bare.checkout, 'node_modules/.council-installed'))).toBe(false)
  })
})

describe('a later command', () => {
  test('installs nothing while package-lock.json is what was installed', async () => {
    const known = machine()
    await run(known, 'council')
    expect(await run(known, 'council')).toMatchObject({ code: 0, stderr: '' })
    expect(npmCalls(known)).toHaveLength(1)
    writeFileSync(join(known.checkout, 'package-lock.json'), lockfile('26.0.1'))
    expect(await run(known, 'council')).toMatchObject({ code: 0 })
    expect(npmCalls(known)).toHaveLength(2)
  })

  test('adds the tools of development where they are wanted, and never takes them away', async () => {
    const known = machine()
    const { checkout, tools } = known
    await run(known, 'council')
    await bringFull(known)
    await run(known, 'council')
    await bringFull(known)
    expect(npmCalls(known)).toEqual([production(checkout, tools), full(checkout, tools)])
    writeFileSync(join(checkout, 'package-lock.json'), lockfile('26.0.1'))
    await run(known, 'council')
    expect(npmCalls(known).slice(2)).toEqual([full(checkout, tools)])
  })

  test('accepts what somebody has installed by hand, if it is what package-lock.json says', async () => {
    const known = machine()
    await bringFull(known)
    const modules = join(known.checkout, 'node_modules')
    for (const [installed, calls] of [
      ['26.0.0', 1],
      ['25.9.9', 2],
    ] as const) {
      rmSync(join(modules, '.council-installed'))
      writeFileSync(join(modules, '.package-lock.json'), lockfile(installed))
      await bringFull(known)
      expect(npmCalls(known)).toHaveLength(calls)
    }
  })

  test('waits for the installation of another, and does not do it again', async () => {
    const bare = machine()
    const outcomes = await Promise.all([run(bare, 'council', ['1']), run(bare, 'council', ['2']), run(bare, 'start')])
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(npmCalls(bare)).toHaveLength(1)
  })
})
