import { execFile, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { fieldOf, openAuditedCouncil, type AuditedCouncil } from '../support/audited.ts'
import { standInToken, startChatStandIn } from '../support/chat-stand-in.ts'
import { emptyDataDir } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { databaseKinds, type TestDatabase } from '../support/databases.ts'
import { redisUrl } from '../support/shared-servers.ts'

const repository = join(import.meta.dirname, '../..')
const main = join(repository, 'src/main.ts')

let db: TestDatabase
let audited: AuditedCouncil
let requestId: string
beforeAll(async () => {
  db = await databaseKinds[0]!.open()
  audited = await openAuditedCouncil(redisUrl, db)
  await audited.archive()
  const prompt = (await audited.entries()).find((entry) => fieldOf(entry, 'type') === 'PromptSubmitted')
  requestId = fieldOf(prompt!, 'stream').slice('chat/'.length)
})
afterAll(async () => {
  audited.council.close()
  await db.close()
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

/** Where every write fails as on a full disk. */
function fullDevice(): number {
  const fd = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(fd))
  return fd
}

const commands: (() => string[])[] = [
  () => ['events'],
  () => ['events', '--json'],
  () => ['events', '--follow'],
  () => ['state', 'account/reserve'],
  () => ['audit', 'cost'],
  () => ['audit', 'account', 'reserve'],
  () => ['audit', 'request', requestId],
  () => ['audit', 'verify'],
  () => ['rebuild', 'costs'],
  () => ['restore', '--dry-run'],
  () => ['restore'],
  () => ['--help'],
  () => ['--version'],
]
const named = commands.map(
  (args) =>
    [
      args()
        .filter((arg) => arg !== undefined)
        .join(' '),
      args,
    ] as const,
)

describe.each(named)('council %s', (_, args) => {
  test('fails when its output cannot be written', async () => {
    const { stderr, ended } = start(args(), ['ignore', fullDevice(), 'pipe'])
    expect(await ended).toBe(1)
    expect((await stderr).trimEnd().split('\n').at(-1)).toMatch(
      /^error: the output could not be written: .*ENOSPC.* \(output_failed\)$|^\{"code":"output_failed",.*ENOSPC/,
    )
  })

  test('ends quietly with 141 when its reader is gone', async () => {
    const { child, stderr, ended } = start(args(), ['ignore', 'pipe', 'pipe'])
    child.stdout?.destroy()
    expect([await ended, await stderr]).toEqual([141, ''])
  })

  test('does not mind a stderr that fails', async () => {
    const { child, ended } = start(
      [...args(), ...(args().includes('--follow') ? ['--limit', '1'] : [])],
      ['ignore', 'pipe', fullDevice()],
    )
    child.stdout?.resume()
    expect(await ended).toBe(0)
  })
})

describe('audit verify of a log with a deleted event', () => {
  beforeAll(async () => {
    const [, second] = await audited.entries()
    await audited.council.redis.xdel(audited.council.keys.log, second![0])
  })

  test('exits with 1 where its output cannot be written, and says on stderr what it found', async () => {
    const { stderr, ended } = start(['audit', 'verify'], ['ignore', fullDevice(), 'pipe'])
    expect(await ended).toBe(1)
    expect(await stderr).toMatch(/ENOSPC.*; the log has \d+ fault\(s\), the first at \d+-\d+ \(output_failed\)/)
  })

  test('exits with 1 where its reader is gone', async () => {
    const { child, ended } = start(['audit', 'verify'], ['ignore', 'pipe', 'pipe'])
    child.stdout?.destroy()
    expect(await ended).toBe(1)
  })
})

describe('council chat', () => {
  const asked = async (stdout: 'pipe' | number) => {
    const server = await startChatStandIn()
    onTestFinished(server.close)
    const program = start(['chat', 'Why?'], ['ignore', stdout, 'pipe'], {
      COUNCIL_URL: server.url,
      COUNCIL_TOKEN: standInToken,
    })
    const visit = await server.visits()
    const frame = await visit.next()
    if (frame.type !== 'prompt') throw new Error('the client did not ask')
    return { ...program, visit, requestId: frame.requestId ?? newId() }
  }

  test('cancels its prompt and ends when its reader is gone', async () => {
    const { child, stderr, ended, visit, requestId } = await asked('pipe')
    child.stdout?.destroy()
    visit.say({ type: 'token', requestId, id: '1-1~1', text: 'Because ' })
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    expect([await ended, await stderr]).toEqual([141, ''])
  })

  test('cancels its prompt and fails when its output cannot be written', async () => {
    const { stderr, ended, visit, requestId } = await asked(fullDevice())
    visit.say({ type: 'token', requestId, id: '1-1~1', text: 'Because ' })
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    expect([await ended, await stderr]).toEqual([1, expect.stringMatching(/ENOSPC.*\(output_failed\)\n$/)])
  })
})

test('bin/council refuses a standard output that is closed, which the program itself could not see', async () => {
  const run = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile('bash', ['-c', 'bin/council audit verify >&-'], { cwd: repository }, (error, _stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    )
  })
  expect(run).toEqual({ code: 1, stderr: 'error: standard output is closed (output_failed)\n' })
})
