import { beforeAll, describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { council as cli } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'
import type { ReceivedRequest } from '../support/vllm-stand-in/server.ts'

const members = ['analyst', 'pragmatist', 'sceptic']
/** The member whose call is never answered; null: every call is. */
let unanswered: string | null = null
/** The end of the sentence that tells judges what the elected verdict means. */
let verdict = 'meets the criteria. The reward is paid.'

const judgeOf = ({ requestId }: Pick<ReceivedRequest, 'requestId'>): string =>
  /judge-([a-z]+)$/.exec(requestId)?.[1] ?? 'no judge'

const scene = serveForTests({
  roles: 'api,projector,scheduler',
  model: {
    answer(request) {
      if (judgeOf(request) === unanswered) return { gated: true }
      const shown = [...JSON.stringify(request.chat.messages).matchAll(/\\n([A-C]): (.*?)(?=\\n)/g)]
      const [first] = shown.flatMap(([, label, meaning]) => (meaning?.endsWith(verdict) ? [label] : []))
      const others = shown.flatMap(([, label]) => (label === first ? [] : [label]))
      return { tokens: [[first, ...others].join(' > ')] }
    },
  },
})

async function command(name: string, fields: object, key = newId()) {
  const { status, body } = await executeCommand(scene.council, name, fields, key)
  expect([name, status, body]).toMatchObject([name, 200, {}])
  return body
}

beforeAll(async () => {
  for (const account of ['external', 'reserve', 'agent:ada']) await command('OpenAccount', { account })
  const seed = { transferId: 'seed', from: 'external', to: 'reserve', amountMicros: 5_000_000, reason: 'seed' }
  await command('TransferFunds', seed)
})

async function opened(deadlineInMs = 3_600_000): Promise<string> {
  const bountyId = newId()
  const text = { title: 'Planets', task: 'List the planets.', criteria: 'All eight, in order.' }
  const deadline = new Date(Date.now() + deadlineInMs).toISOString()
  await command('OpenBounty', { ...text, rewardMicros: 70_000, bonusMicros: 30_000, deadline }, bountyId)
  return bountyId
}

/** Opens a bounty, which an agent claims and submits work for. */
async function submitted(): Promise<string> {
  const bountyId = await opened()
  await command('ClaimBounty', { bountyId, worker: 'agent:ada' })
  await command('SubmitBountyWork', {
    bountyId,
    work: 'Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune.',
  })
  return bountyId
}

const bounty = async (bountyId: string) => (await apiGet(scene.council, `/v1/bounties/${bountyId}`)).body
const statusOf = async (bountyId: string) => (await bounty(bountyId))['status']
const balanceOf = async (account: string, after: string) =>
  (await apiGet(scene.council, `/v1/treasury/accounts/${account}?after=${after}`)).body['balanceMicros']

/** The story of a bounty, from `council audit bounties`. */
async function audited(bountyId: string) {
  const run = await cli(scene.settings, ['audit', 'bounties', bountyId, '--json'])
  const rows = run.json()
  return { ...run, of: (kind: string) => rows.filter((row) => row['kind'] === kind) }
}

describe('a bounty', { timeout: 60_000 }, () => {
  test('is opened, claimed, worked on, judged by the council and paid, and its audit tells the whole story', async () => {
    await scene.startWorker()
    const bountyId = await submitted()
    await expect.poll(() => statusOf(bountyId), { timeout: 30_000 }).toBe('awarded')
    const shown = await bounty(bountyId)
    expect(shown).toMatchObject({
      title: 'Planets',
      criteria: 'All eight, in order.',
      worker: 'agent:ada',
      openedBy: 'admin',
      verdict: 'reward',
      paidMicros: 70_000,
      refundedMicros: 30_000,
      judging: { round: 1, attempts: 1, failedWhy: null, calls: 3 },
    })
    const { last } = shown['positions'] as { last: string }
    expect(await balanceOf(`bounty:${bountyId}`, last)).toBe(0)
    expect(await balanceOf('agent:ada', last)).toBe(70_000)

    const { code, of } = await audited(bountyId)
    expect(code).toBe(0)
    const events = of('event') as { type: string; stream: string; data: Record<string, unknown>; position: string }[]
    const moved = events.filter(({ type }) => /^Account(Debited|Credited)$/.test(type))
    const sides = moved.map(({ type, stream, data }) => [type, stream, data['amountMicros']])
    expect(sides).toEqual(
      expect.arrayContaining([
        ['AccountDebited', 'account/reserve', 100_000],
        ['AccountCredited', `account/bounty:${bountyId}`, 100_000],
        ['AccountDebited', `account/bounty:${bountyId}`, 70_000],
        ['AccountCredited', 'account/agent:ada', 70_000],
        ['AccountDebited', `account/bounty:${bountyId}`, 30_000],
        ['AccountCredited', 'account/reserve', 30_000],
      ]),
    )
    const votes = events.filter(({ type }) => type === 'BallotCast')
    expect(of('ballot').map(({ member, position }) => [member, position])).toEqual(
      votes.map(({ data, position }) => [data['member'], position]),
    )
    expect(votes.map(({ data }) => data['member']).toSorted()).toEqual(members)
    expect(of('recount')).toMatchObject([{ isSame: true }])
    expect(of('bounty')).toMatchObject([{ receivedMicros: 100_000, paidMicros: 70_000, leftMicros: 0 }])

    const { election } = shown['judging'] as { election: string }
    for (const audit of ['verify', 'compare'])
      expect(await cli(scene.settings, ['gedi', audit, election])).toMatchObject({ code: 0 })
    expect(await apiGet(scene.council, `/v1/elections/${election}?after=${last}`)).toMatchObject({
      body: { purpose: 'bounty', ref: bountyId, status: 'decided' },
    })
  })

  test('whose work is rejected returns everything to the reserve', async () => {
    verdict = 'Nothing is paid.'
    await scene.startWorker()
    const bountyId = await submitted()
    await expect.poll(() => statusOf(bountyId), { timeout: 30_000 }).toBe('rejected')
    expect(await bounty(bountyId)).toMatchObject({ verdict: 'reject', paidMicros: 0, refundedMicros: 100_000 })
    expect((await audited(bountyId)).code).toBe(0)
  })

  test('whose judge dies with its worker process is judged once, and no member that voted is asked again', async () => {
    verdict = 'a bonus are paid.'
    unanswered = 'sceptic'
    const before = scene.model.received.length
    const asked = () => scene.model.received.slice(before).map(judgeOf)
    const doomed = await scene.startWorker()
    const bountyId = await submitted()
    await expect.poll(asked, { timeout: 30_000 }).toContain('sceptic')
    await expect.poll(async () => (await scene.eventsOf(bountyId, /^BallotCast$/)).length, { timeout: 30_000 }).toBe(2)
    await doomed.kill()
    unanswered = null
    await scene.startWorker()
    await expect.poll(() => statusOf(bountyId), { timeout: 30_000 }).toBe('awarded')

    expect(asked().toSorted()).toEqual([...members, 'sceptic'].toSorted())
    expect(await bounty(bountyId)).toMatchObject({ paidMicros: 100_000, judging: { round: 1, attempts: 2, calls: 4 } })
    expect(await scene.eventsOf(bountyId, /^BountyJudged$/)).toHaveLength(1)
    expect(await scene.eventsOf(bountyId, /^BallotCast$/)).toHaveLength(3)
    expect((await audited(bountyId)).code).toBe(0)
  })

  test('without work expires at its deadline, and the clock returns the money', async () => {
    const bountyId = await opened(4_000)
    await command('ClaimBounty', { bountyId, worker: 'user:eve' })
    await expect.poll(() => statusOf(bountyId), { timeout: 30_000 }).toBe('expired')
    expect(await bounty(bountyId)).toMatchObject({ endedWhy: 'no_work', refundedMicros: 100_000 })
    expect((await audited(bountyId)).code).toBe(0)
  })

  test('leaves a log, states and read models that agree', async () => {
    const { code, stdout } = await cli(scene.settings, ['audit', 'verify'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('no fault')])
  })

  test('is in the list, newest first, by status and in pages', async () => {
    const listed: string[] = []
    for (let next: string | null = ''; next !== null;) {
      const { body } = await apiGet(
        scene.council,
        `/v1/bounties?status=awarded&limit=1${next ? `&cursor=${next}` : ''}`,
      )
      const page = body as { bounties: { bounty: string; status: string }[]; next: string | null }
      listed.push(...page.bounties.map(({ bounty: id }) => id))
      next = page.next
    }
    expect(listed).toHaveLength(2)
    expect(listed).toEqual(listed.toSorted().toReversed())
    expect(await apiGet(scene.council, `/v1/bounties/${newId()}`)).toMatchObject({ status: 404 })
    for (const query of ['status=lost', 'cursor=x', 'limit=0'])
      expect(await apiGet(scene.council, `/v1/bounties?${query}`)).toMatchObject({ status: 400 })
  })
})
