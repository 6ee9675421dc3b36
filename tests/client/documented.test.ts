import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { read } from '../support/repository.ts'
import { adminToken } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests()

test('the program in docs/client.md asks, executes and reads', async () => {
  const [, program = ''] = /^```ts\n([^]*?)^```/m.exec(read('docs/client.md')) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'documented-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'program.ts')
  await writeFile(file, program.replaceAll("'../src/", `'${pathToFileURL(resolve('src')).href}/`))
  scene.model.nextAnswer({ tokens: ['Paris', '.'] })
  const env = { COUNCIL_URL: scene.council.url, COUNCIL_TOKEN: adminToken }
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env })
  expect(stdout).toMatch(/^Paris\.\n\d+ µ\$\n/)
  expect(stdout).toContain('{"account":"agent:scout","status":"open"')
})
