import { execFile, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { auditedForTests, fieldOf } from '../support/audited.ts'
import { prompted, standInToken, startChatStandIn } from '../support/chat-stand-in.ts'
import { emptyDataDir } from '../support/cli.ts'

const repository = join(import.meta.dirname, '../..')
const main = join(repository, 'src/main.ts')

const audited = auditedForTests()
let requestId: string
beforeAll(async () => {
  await audited.archive()
  const prompt = (await audited.entries()).find((entry) => fieldOf(entry, 'type') === 'PromptSubmitted')
  requestId = fieldOf(prompt!, 'stream').slice('chat/'.length)
})

function start(args: readonly string[], stdio: StdioOptions, settings: Record<string, string> = audited.settings) {
  const env = { PATH: process.env['PATH'], DATA_DIR: emptyDataDir(), ...settings }
  const child = spawn(process.execPath, [main, ...args], { env, stdio })
  return {
    child,
    stderr: child.stderr ? text(child.stderr) : Promise.resolve(''),
    ended: once(child, 'close').then(([code]) => code as number | null),
  }
}

/** Opens a device on which every write fails, as on a full disk. */
function fullDevice(): number {
  const fd = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(fd))
  return fd
}

const commands = [
  ...['events', 'events --json', 'events --follow', 'state account/reserve'],
  ...['audit cost', 'audit account reserve', 'audit request <id>', 'audit verify'],
  ...['rebuild costs', 'restore --dry-run', 'restore', '--help', '--version'],
]

describe.each(commands)('council %s', (command) => {
  const args = () => command.replace('<id>', requestId).split(' ')

  test('fails when its output cannot be written', async () => {
    const { stderr, ended } = start(args(), ['ignore', fullDevice(), 'pipe'])
    expect(await ended).toBe(1)
    expect((await stderr).trimEnd().split('\n').at(-1)).toMatch(
      /^error: the output could not be written: .*ENOSPC.* \(output_failed\)$|^\{"code":"output_failed",.*ENOSPC/,
    )
  })

  test('ends with 141 and no message when its reader is gone', async () => {
    const { child, stderr, ended } = start(args(), ['ignore', 'pipe', 'pipe'])
    child.stdout?.destroy()
    expect([await ended, await stderr]).toEqual([141, ''])
  })

  test('succeeds with a stderr that fails', async () => {
    const limit = command.includes('--follow') ? ['--limit', '1'] : []
    const { child, ended } = start([...args(), ...limit], ['ignore', 'pipe', fullDevice()])
    child.stdout?.resume()
    expect(await ended).toBe(0)
  })
})

describe('audit verify of a log with a deleted event', () => {
  beforeAll(async () => {
    const [, second] = await audited.entries()
    await audited.council.redis.xdel(audited.council.keys.log, second![0])
  })

  test('exits with 1 and reports the fault on stderr when its output cannot be written', async () => {
    const { stderr, ended } = start(['audit', 'verify'], ['ignore', fullDevice(), 'pipe'])
    expect(await ended).toBe(1)
    expect(await stderr).toMatch(/ENOSPC.*; the log has \d+ fault\(s\), the first at \d+-\d+ \(output_failed\)/)
  })

  test('exits with 1 when its reader is gone', async () => {
    const { child, ended } = start(['audit', 'verify'], ['ignore', 'pipe', 'pipe'])
    child.stdout?.destroy()
    expect(await ended).toBe(1)
  })
})

describe('council chat', () => {
  const asked = async (stdout: 'pipe' | number) => {
    const server = await startChatStandIn()
    const settings = { COUNCIL_URL: server.url, COUNCIL_TOKEN: standInToken }
    const program = start(['chat', 'Why?'], ['ignore', stdout, 'pipe'], settings)
    return { ...program, ...(await prompted(server)) }
  }

  test('cancels its prompt and ends when its reader is gone', async () => {
    const { child, stderr, ended, visit, requestId, token } = await asked('pipe')
    child.stdout?.destroy()
    visit.say(token('Because '))
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    expect([await ended, await stderr]).toEqual([141, ''])
  })

  test('cancels its prompt and fails when its output cannot be written', async () => {
    const { stderr, ended, visit, requestId, token } = await asked(fullDevice())
    visit.say(token('Because '))
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    expect([await ended, await stderr]).toEqual([1, expect.stringMatching(/ENOSPC.*\(output_failed\)\n$/)])
  })
})

test('bin/council refuses a closed standard output, which the program itself cannot detect', async () => {
  const run = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile('bash', ['-c', 'bin/council audit verify >&-'], { cwd: repository }, (error, _stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    )
  })
  expect(run).toEqual({ code: 1, stderr: 'error: standard output is closed (output_failed)\n' })
})
