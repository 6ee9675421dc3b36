import { describe, expect, test } from 'vitest'
import { frameId, prompted, standInToken, startChatStandIn, type Prompted } from '../../support/chat-stand-in.ts'
import { council as cli, type CliSetting } from '../../support/cli.ts'

/** Runs `council chat` against a stand-in server until that has the prompt. */
async function asked(args: readonly string[] = [], setting: CliSetting = {}) {
  const server = await startChatStandIn()
  const running = cli(
    { COUNCIL_URL: server.url, COUNCIL_TOKEN: standInToken },
    ['chat', 'Why is the sky blue?', ...args],
    setting,
  )
  return { server, running, ...(await prompted(server)) }
}

/** Frames of a deliberation; each has an id of its own. */
function deliberation({ requestId }: Pick<Prompted, 'requestId'>) {
  let place = 10
  const frame = (body: object) => ({ requestId, id: frameId(++place), ...body })
  const phase = (name: string, state = 'completed') => frame({ type: 'phase', phase: name, state })
  const member = (name: string, state: string, more: object = {}) =>
    frame({ type: 'member', member: name, state, ...more })
  return {
    phase,
    member,
    drafts: [
      phase('draft', 'started'),
      ...['analyst', 'sceptic', 'pragmatist'].map((name) => member(name, 'started')),
      member('analyst', 'drafting', { text: 'Light is ' }),
      member('sceptic', 'drafting', { text: 'Is it?\n' }),
      member('analyst', 'drafting', { text: 'scattered.' }),
      member('sceptic', 'drafted', { text: 'Is it?\nYes.' }),
      member('pragmatist', 'failed', { why: 'late' }),
      member('analyst', 'drafted', { text: 'Light is scattered.' }),
      phase('draft'),
    ],
    ballots: [
      phase('critique', 'started'),
      member('sceptic', 'reviewed'),
      phase('critique'),
      phase('vote', 'started'),
      member('analyst', 'voted'),
      member('pragmatist', 'abstained', { why: 'invalid' }),
      member('sceptic', 'voted'),
      phase('vote'),
    ],
    vote: (changes: object = {}) =>
      frame({
        type: 'vote',
        result: 'decided',
        method: 'ranked_pairs',
        order: [['B'], ['A', 'C']],
        tally: { A: 0, B: 2, C: 0 },
        winners: ['B'],
        winner: 'B',
        candidates: { A: 'analyst', B: 'sceptic', C: 'pragmatist' },
        dissent: { analyst: ['C', 'A'] },
        trace: ['B beats all others', 'B beats A: 2 against 1'],
        ...changes,
      }),
  }
}

/** Says all frames of a deliberation, with an answer at its end. */
function deliberate(prompt: Prompted, { vote = {} }: { vote?: object } = {}): object[] {
  const { visit, accepted, routed, token, completed } = prompt
  const { drafts, ballots, phase, ...frames } = deliberation(prompt)
  const all = [
    ...[accepted, routed, ...drafts, ...ballots, frames.vote(vote), phase('synthesize', 'started')],
    ...[token('Light is '), token('scattered.'), phase('synthesize'), completed('Light is scattered.')],
  ]
  for (const frame of all) visit.say(frame)
  return all
}

/** The lines that a terminal shows after this output, which may move up, return and erase to the end of the screen. */
function screenAfter(output: string): string[] {
  const lines = ['']
  let row = 0
  for (const [part] of output.matchAll(/\x1b\[(\d+)A|\x1b\[0J|\r|\n|[^\x1b\r\n]+/g)) {
    const up = /^\x1b\[(\d+)A$/.exec(part)?.[1]
    if (up !== undefined) row -= Number(up)
    else if (part === '\x1b[0J') lines.length = row + 1
    else if (part === '\n') lines[++row] ??= ''
    else if (part !== '\r') lines[row] = part
    if (part === '\x1b[0J') lines[row] = ''
    if (row < 0) throw new Error('the cursor left the screen')
  }
  return lines
}

const result = [
  'vote by ranked pairs: B wins',
  '  1. B  sceptic     2',
  '  2. A  analyst     0',
  '  2. C  pragmatist  0',
]
const summary = expect.stringMatching(/^\$0\.000038 .* path$/) as unknown

describe('council chat, piped', () => {
  test('prints the answer only, and each change of the deliberation as a line on stderr', async () => {
    const prompt = await asked()
    deliberate(prompt)
    const { code, stdout, stderr } = await prompt.running
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Light is scattered.\n' })
    expect(stderr.split('\n')).toEqual([
      'draft …',
      '  sceptic drafted 11 characters',
      '  pragmatist has no draft: late',
      '  analyst drafted 19 characters',
      'critique …',
      'vote …',
      '  analyst voted',
      '  pragmatist abstained: invalid',
      '  sceptic voted',
      ...result,
      '  B beats all others',
      'synthesize …',
      'dissent: analyst preferred C (pragmatist), A (analyst)',
      summary,
      '',
    ])
  })

  test('with --verbose, also prints whole drafts and reviews', async () => {
    const prompt = await asked(['--verbose'])
    deliberate(prompt)
    const { stdout, stderr } = await prompt.running
    expect(stdout).toBe('Light is scattered.\n')
    expect(stderr).toContain('  sceptic drafted 11 characters\ndraft of sceptic:\n  Is it?\n  Yes.\n')
    expect(stderr).toContain('critique …\n  sceptic reviewed\nvote …\n')
  })

  test('with --json, prints the frames as they come, and nothing else', async () => {
    const prompt = await asked(['--json', '--verbose'])
    const frames = deliberate(prompt)
    const run = await prompt.running
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.json()).toEqual(frames)
  })

  test('reports how a tie was broken, and no dissent where there was none', async () => {
    const prompt = await asked()
    deliberate(prompt, { vote: { winners: ['A', 'B'], tieBreak: { among: ['A', 'B'], by: 'seed' }, dissent: {} } })
    const { stderr } = await prompt.running
    expect(stderr).toContain('  A and B tie; the seed takes B\n')
    expect(stderr).not.toContain('dissent')
  })

  test('reports a vote without a result, and why the answer is degraded', async () => {
    const prompt = await asked()
    const { visit, requestId, completed } = prompt
    const { phase } = deliberation(prompt)
    visit.say(phase('draft', 'started'))
    visit.say({ type: 'vote', requestId, id: frameId(30), result: 'failed', why: 'quorum' })
    visit.say({ ...completed(''), degraded: true, reasons: ['ballots_below_quorum', 'chair_failed'] })
    const { stderr } = await prompt.running
    expect(stderr).toContain('vote without a result: too few members voted\n')
    expect(stderr).toContain(' · degraded: ballots_below_quorum, chair_failed\n')
  })

  test('resumes after a preview when the connection is lost', async () => {
    const prompt = await asked()
    const { server, visit, requestId, accepted, completed } = prompt
    const { drafts } = deliberation(prompt)
    for (const frame of [accepted, ...drafts.slice(0, 5)]) visit.say(frame)
    visit.end()
    const again = await server.visits()
    expect(await again.next()).toEqual({ type: 'resume', requestId, lastEventId: drafts[4]?.id })
    again.say(completed(''))
    expect(await prompt.running).toMatchObject({ code: 0 })
  })
})

describe('council chat on a terminal', () => {
  const terminal = (columns: number): CliSetting => ({ columns, noColor: true })

  test('shows phases and members in place, then the ranking, the dissent and the cost', async () => {
    const prompt = await asked([], terminal(80))
    deliberate(prompt)
    const { stdout, stderr } = await prompt.running
    expect(stdout).toBe('Light is scattered.\n')
    expect(screenAfter(stderr)).toEqual([
      'draft ✓  critique ✓  vote ✓',
      '  analyst     voted',
      '  sceptic     voted',
      '  pragmatist  abstained: invalid',
      ...result,
      '  B beats all others',
      'dissent: analyst preferred C (pragmatist), A (analyst)',
      summary,
      '',
    ])
  })

  test('shows the end of each draft while it is written', async () => {
    const prompt = await asked([], terminal(44))
    const { visit, member, phase } = { ...prompt, ...deliberation(prompt) }
    visit.say(phase('draft', 'started'))
    visit.say(member('analyst', 'started'))
    visit.say(member('analyst', 'drafting', { text: `${'word '.repeat(50)}and\nthe end` }))
    visit.say({ ...prompt.completed(''), type: 'cancelled' })
    const { stderr } = await prompt.running
    expect(screenAfter(stderr).slice(0, 2)).toEqual(['draft …', '  analyst  drafts, 261 characters  …he end'])
  })

  test('keeps the members on the screen when a note comes between, and when one model answers instead', async () => {
    const prompt = await asked([], terminal(80))
    const { server, visit, token, completed } = prompt
    const { drafts, phase } = deliberation(prompt)
    for (const frame of drafts.slice(0, 2)) visit.say(frame)
    visit.end()
    const again = await server.visits()
    await again.next()
    for (const frame of [...drafts.slice(8, 9), phase('draft'), phase('respond', 'started'), token('Yes.')])
      again.say(frame)
    again.say(completed('Yes.'))
    const { stderr } = await prompt.running
    expect(screenAfter(stderr)).toEqual([
      expect.stringMatching(/^connection lost/),
      'draft ✓  respond …',
      '  analyst     drafts',
      '  pragmatist  has no draft: late',
      summary,
      '',
    ])
  })

  test.each([20, 24, 31, 80])(
    'breaks no line and obeys no control character of the members in %i columns',
    async (columns) => {
      const prompt = await asked([], terminal(columns))
      const { visit, phase, member } = { ...prompt, ...deliberation(prompt) }
      const hostile = '\x1b[2J\x07\u009b1A 日本語の長い文章 👩‍👩‍👧 \u202e\r\n\ttext'
      visit.say(phase('draft', 'started'))
      for (let piece = 0; piece < 20; piece++) {
        visit.say(member(`member-${hostile}`, 'drafting', { text: hostile }))
        visit.say(member('analyst', 'drafting', { text: hostile }))
      }
      visit.say(member('analyst', 'failed', { why: hostile }))
      visit.say({ ...prompt.completed(''), type: 'cancelled' })
      const { stderr } = await prompt.running
      const drawn = stderr.slice(0, stderr.lastIndexOf('error:'))
      expect(drawn.replaceAll(/\x1b\[\d+A\r\x1b\[0J/g, '')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
      for (const line of drawn.split(/\n|\x1b\[\d+A\r\x1b\[0J/)) {
        const cells = Array.from(line, (character) => (/[\u0300-\u{10ffff}]/u.test(character) ? 2 : 1))
        expect(cells.reduce<number>((sum, width) => sum + width, 0)).toBeLessThan(columns)
      }
      expect(screenAfter(drawn)[0]).toBe('draft …')
    },
  )

  test('prints plain lines where a terminal is too narrow to change lines in place', async () => {
    const prompt = await asked([], terminal(12))
    deliberate(prompt)
    const { stderr } = await prompt.running
    expect(stderr).toContain('draft …\n  sceptic drafted 11 characters\n')
    expect(stderr).not.toContain('\x1b')
  })

  test('with --verbose, prints each draft above the members', async () => {
    const prompt = await asked(['--verbose'], terminal(80))
    deliberate(prompt)
    const screen = screenAfter((await prompt.running).stderr)
    expect(screen.slice(0, 6)).toEqual([
      'draft of sceptic:',
      '  Is it?',
      '  Yes.',
      'draft of analyst:',
      '  Light is scattered.',
      'draft ✓  critique ✓  vote ✓',
    ])
  })
})
