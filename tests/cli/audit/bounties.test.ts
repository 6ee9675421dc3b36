import { beforeAll, describe, expect, test } from 'vitest'
import { CancelBounty } from '../../../src/commands/bounty/cancel-bounty.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import type { Uuid7 } from '../../../src/events/identifiers.ts'
import { fundReserve, judgedBounty, openedBounty } from '../../support/bounty-run.ts'
import { council as cli } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

const council = await suiteCouncil()
let awarded: Uuid7
let cancelled: Uuid7
let open: Uuid7
let electionId: Uuid7
beforeAll(async () => {
  await fundReserve(council)
  awarded = await openedBounty(council)
  electionId = await judgedBounty(council, awarded, 'reward')
  cancelled = await openedBounty(council, '=HYPERLINK("x")')
  // More money than the bounty asked for.
  const gift = {
    transferId: 'gift',
    from: id('reserve'),
    to: id(`bounty:${cancelled}`),
    amountMicros: 50,
    reason: 'gift',
  }
  await council.execute(TransferFunds, gift)
  await council.execute(CancelBounty, { bountyId: cancelled, reason: 'no longer needed' })
  open = await openedBounty(council)
})

const settings = { REDIS_URL: redisUrl, COUNCIL_ID: council.councilId }
const audit = (...args: string[]) => cli(settings, ['audit', 'bounties', ...args])
const positionsOf = async (stream: string, type: string) =>
  (await council.events())
    .filter((event) => event.stream === stream && event.type === type)
    .map(({ position }) => position)

describe('council audit bounties', () => {
  test('lists every bounty with the money that its escrow received, paid, returned and has left', async () => {
    const { code, json } = await audit('--json', '--explain')
    expect(code).toBe(0)
    const escrow = `account/bounty:${awarded}`
    const [award, rest] = await positionsOf(escrow, 'AccountDebited')
    expect(json()).toMatchObject([
      {
        bounty: awarded,
        status: 'awarded',
        verdict: 'reward',
        worker: 'agent:ada',
        election: electionId,
        receivedMicros: 1_000,
        paidMicros: 700,
        refundedMicros: 300,
        leftMicros: 0,
        positions: { received: await positionsOf(escrow, 'AccountCredited'), paid: [award], refunded: [rest] },
      },
      { bounty: cancelled, status: 'cancelled', receivedMicros: 1_050, paidMicros: 0, refundedMicros: 1_050 },
      { bounty: open, status: 'open', receivedMicros: 1_000, refundedMicros: 0, leftMicros: 1_000 },
      { kind: 'total', bounties: 3, receivedMicros: 3_050, paidMicros: 700, refundedMicros: 1_350, leftMicros: 1_000 },
    ])
  })

  test('prints a table for people, and a CSV file that no spreadsheet runs', async () => {
    const { stdout } = await audit('--explain')
    expect(stdout).toMatch(new RegExp(`^${awarded} +awarded +reward +1,000 +700 +300 +0 `, 'm'))
    expect(stdout).toContain('3 bounties')
    const csv = (await audit('--csv')).stdout.split('\r\n')
    expect(csv[0]).toBe(
      'bounty,status,title,worker,reward_micros,bonus_micros,verdict,election,received_micros,paid_micros,refunded_micros,left_micros,judging_calls,judging_micros,first,last',
    )
    expect(csv[1]).toContain(`${awarded},awarded,Planets,agent:ada,700,300,reward,${electionId},1000,700,300,0,0,0,`)
    expect(csv[2]).toContain(`"'=HYPERLINK(""x"")"`)
    expect(await audit('--csv', '--json')).toMatchObject({ code: 2 })
  })

  test('of one bounty tells its story: each event, movement and ballot in order, and the recount', async () => {
    const { code, stdout } = await audit(awarded)
    expect(code).toBe(0)
    const told = [
      'BountyProposed',
      'BountyOpened',
      'AccountDebited',
      'AccountOpened',
      'AccountCredited',
      'BountyClaimed',
      'BountyWorkSubmitted',
      'BountyJudgingStarted',
      'ElectionOpened',
      'BallotCast',
      'BountyJudged',
      'BountyAwarded',
      'ElectionDecided',
    ]
    for (const type of told) expect(stdout).toMatch(new RegExp(`^\\d+-\\d+ .*${type} `, 'm'))
    expect(stdout).toContain(`+700 µ$ on account/agent:ada: awards a bounty to agent:ada (award:${awarded})`)
    expect(stdout).toMatch(/analyst +B > A > C +\d+-\d+/)
    expect(stdout).toContain('A is reject, B is reward, C is reward_and_bonus')
    expect(stdout).toContain('the recount gives the recorded result')
  })

  test('of a bounty with a gift shows both sides of every movement', async () => {
    const { json } = await cli(settings, ['audit', 'bounties', cancelled, '--json'])
    const moved = json().filter(({ type }) => /^Account(Debited|Credited)$/.test(String(type))) as {
      stream: string
      data: { amountMicros: number }
    }[]
    expect(moved.map(({ stream, data }) => [stream, data.amountMicros])).toEqual([
      ['account/reserve', 1_000],
      [`account/bounty:${cancelled}`, 1_000],
      ['account/reserve', 50],
      [`account/bounty:${cancelled}`, 50],
      [`account/bounty:${cancelled}`, 1_050],
      ['account/reserve', 1_050],
    ])
  })

  test('finds a log of bounties sound', async () => {
    expect(await cli(settings, ['audit', 'verify'])).toMatchObject({ code: 0 })
  })

  test('reports a bounty that does not exist, and a name that is no id', async () => {
    expect(await audit(newId(), '--json')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('bounty_unknown') as unknown,
    })
    expect(await audit('planets')).toMatchObject({ code: 2 })
  })
})
