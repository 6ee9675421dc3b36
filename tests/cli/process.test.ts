import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emptyDataDir } from '../support/cli.ts'
import { openTestCouncil, type TestCouncil } from '../support/council.ts'
import { answeredPrompt } from '../support/history.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'

const main = join(import.meta.dirname, '../../src/main.ts')

/** Their events are more output than a pipe holds. */
const prompts = 40
let council: TestCouncil
beforeAll(async () => {
  council = await openTestCouncil(redisUrl, freshCouncilId())
  await Promise.all(Array.from({ length: prompts }, () => answeredPrompt(council)))
})
afterAll(() => council.close())

function start(...args: string[]) {
  const { PATH } = process.env
  const env = { PATH, REDIS_URL: redisUrl, COUNCIL_ID: council.councilId, DATA_DIR: emptyDataDir() }
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  return {
    child,
    stdout: child.stdout,
    stderr: text(child.stderr),
    ended: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  }
}

describe('the program', () => {
  test.each([[['events', '--json']], [['state', 'account/spend', '--json']], [['audit', 'cost', '--json']]])(
    'ends by itself after its output: %j',
    async (args) => {
      const { stdout, stderr, ended } = start(...args)
      const lines = (await text(stdout)).trimEnd().split('\n')
      expect(await ended).toEqual([0, null])
      expect(await stderr).toBe('')
      for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object')
    },
  )

  test('ends without a message when its reader is gone, as with head', async () => {
    const { stdout, stderr, ended } = start('events', '--json')
    await once(stdout, 'data')
    stdout.destroy()
    expect(await ended).toEqual([141, null])
    expect(await stderr).toBe('')
  })

  test('follows until Ctrl-C', async () => {
    const { child, stdout, ended } = start('events', '--follow', '--json', '--type', 'PromptSubmitted')
    await once(stdout, 'data')
    child.kill('SIGINT')
    stdout.resume()
    expect(await ended).toEqual([0, null])
  })

  test('ends with 2 and one line for wrong arguments', async () => {
    const { stdout, stderr, ended } = start('events', '--limit', 'many')
    expect(await text(stdout)).toBe('')
    expect((await stderr).trimEnd().split('\n')).toHaveLength(1)
    expect(await ended).toEqual([2, null])
  })
})
