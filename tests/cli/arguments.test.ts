import { describe, expect, test } from 'vitest'
import { council } from '../support/cli.ts'

describe('the command line', () => {
  test.each([
    [['frobnicate'], 'unknown command'],
    [['event'], 'Did you mean events?'],
    [['events', '--colour'], "unknown option '--colour'"],
    [['events', 'extra'], 'too many arguments'],
    [['events', '--stream', 'no stream'], 'name of a stream'],
    [['events', '--stream', 'chat'], 'name of a stream'],
    [['events', '--type', 'NothingHappened'], 'AnswerCompleted'],
    [['events', '--from', 'yesterday'], 'a position such as'],
    [['events', '--from', '2026-11-23T10:00:00'], 'a time with its zone'],
    [['events', '--from', '1795448595415'], 'a position such as'],
    [['events', '--limit', '0'], 'a whole number from 1'],
    [['events', '--limit', '1e3'], 'a whole number from 1'],
    [['events', '--limit'], 'argument missing'],
    [['state'], "missing required argument 'stream'"],
    [['state', 'chat/'], 'name of a stream'],
    [['state', 'weather/today'], 'account, agent, approval, bounty, budget, chat, council, election, governance/mode'],
    [['audit'], 'cost, members, request'],
    [['audit', 'everything'], 'unknown command'],
    [['audit', 'request', 'not-an-id'], 'UUIDv7'],
    [['gedi'], 'tally, verify, compare'],
    [['gedi', 'tally'], '--method'],
    [['gedi', 'verify', 'not-an-id'], 'UUIDv7'],
    [['audit', 'members', '--from', 'yesterday'], 'a position such as'],
    [['audit', 'cost', '--to', '0'], 'a position such as'],
    [['rebuild', 'weather'], 'chats, costs'],
    [['chat', '  '], 'the question is not right'],
    [['chat', 'x'.repeat(16_001)], 'the question is not right'],
    [['chat', 'why?', '--conversation', ''], 'the conversation id is not right'],
    [['chat', 'why?', '--path', 'slow'], 'fast, full'],
    [['serve', '--roles', 'api,king'], 'api, worker, projector'],
    [[], 'missing command'],
  ])('refuses %j with exit code 2, in one line that names the allowed values', async (args, message) => {
    const run = await council({}, args)
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toContain(message)
    expect(run.stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('reports an error as JSON with --json', async () => {
    const { code, stderr } = await council({}, ['events', '--json', '--limit', 'many'])
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toEqual({ code: 'usage', message: expect.stringContaining('a whole number from 1') })
  })

  test('names every invalid setting before it reads or writes anything', async () => {
    const { code, stderr } = await council({ PORT: 'eighty', LOG_LEVEL: 'loud' }, ['events'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/PORT .*allowed: a whole number/)
    expect(stderr).toMatch(/LOG_LEVEL .*allowed: trace/)
  })

  test.each([[['--help']], [['events', '--help']], [['audit', '--help']], [['audit', 'cost', '--help']]])(
    'prints its usage with %j',
    async (args) => {
      const run = await council({}, args)
      expect(run).toMatchObject({ code: 0, stderr: '' })
      expect(run.stdout).toContain('Usage: council')
      expect(run.stdout).toContain('--json')
    },
  )

  test('prints its version', async () => {
    expect(await council({}, ['--version'])).toMatchObject({ code: 0, stdout: '0.0.0-test\n' })
  })

  test.each([['events'], ['state', 'budget/council/2026-11-23'], ['audit', 'cost'], ['rebuild'], ['chat', 'why?']])(
    'explains how to start a council if none runs: %s',
    async (...args) => {
      const { code, stderr } = await council({}, args)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^error: no council is running on .*: start one with bin\/start \(no_council\)\n$/)
    },
  )

  test('passes settings and roles to `serve`, and exits with its code', async () => {
    const served: unknown[] = []
    const serve = ({ config, roles }: { config: { server: { port: number } }; roles: readonly string[] }) => {
      served.push([config.server.port, roles])
      return Promise.resolve(3)
    }
    expect(await council({ PORT: '4321' }, ['serve', '--roles', 'worker,api'], { serve })).toMatchObject({ code: 3 })
    expect(await council({ PORT: '4321' }, ['serve'], { serve })).toMatchObject({ code: 3 })
    expect(served).toEqual([
      [4321, ['worker', 'api']],
      [4321, ['api', 'worker', 'projector', 'scheduler', 'archiver']],
    ])
  })
})
