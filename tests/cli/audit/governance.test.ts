import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { approvals } from '../../../src/projections/approvals.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { modeHistory } from '../../../src/projections/mode-history.ts'
import { council as cli } from '../../support/cli.ts'
import { databaseKinds } from '../../support/databases.ts'
import { as, waitingFor } from '../../support/governed.ts'
import { suiteCouncil, suiteDatabase } from '../../support/lifetimes.ts'
import { rebuildNow } from '../../support/read-models.ts'
import { redisUrl } from '../../support/shared-servers.ts'

const proposal = {
  action: 'TransferFunds',
  exactArguments: { transferId: 'gift', from: 'external', to: 'reserve', amountMicros: 5, reason: '=gift' },
}

describe.each(databaseKinds)('audits of governance, with read models on $kind,', async ({ open }) => {
  const db = await suiteDatabase(open)
  const council = await suiteCouncil()
  const settings = { REDIS_URL: redisUrl, DATABASE_URL: db.url, COUNCIL_ID: council.councilId }
  const [ada, ben] = [as(council, 'ada'), as(council, 'ben')]
  const ids: string[] = []
  beforeAll(async () => {
    await migrate(db.postgres)
    await ada('SwitchMode', { mode: 'manual', reason: 'an incident' })
    await ben('SetApprovalPolicy', { thresholdMicros: 7, approveAnswers: true, timeoutSeconds: 60 })
    for (const decide of ['GrantApproval', 'DenyApproval']) {
      const approvalId = waitingFor(await ada('RequestApproval', proposal))
      ids.push(approvalId)
      await ben(decide, { approvalId, ...(decide === 'DenyApproval' && { reason: 'too much' }) })
    }
    for (const readModel of [approvals, modeHistory]) await rebuildNow(council.log, db.postgres, readModel)
  })
  const positions = async (stream: string) =>
    (await council.events()).filter((event) => event.stream === stream).map(({ position }) => position)

  test('of approvals name who asked and who decided, with the position of every event', async () => {
    const run = await cli(settings, ['audit', 'approvals', '--json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const [granted, denied, summary] = run.json()
    expect(granted).toMatchObject({ approval: ids[0], status: 'granted', requestedBy: 'ada', decidedBy: 'ben' })
    expect(granted?.['positions']).toEqual(
      (await positions(`approval/${ids[0]}`)).map((position, index) => ({
        type: ['ApprovalRequested', 'ApprovalGranted'][index],
        position,
      })),
    )
    expect(denied).toMatchObject({ approval: ids[1], status: 'denied', decidedBy: 'ben', reason: 'too much' })
    expect(summary).toMatchObject({ approvals: 2, granted: 1, denied: 1, readModel: { state: 'agrees', rows: 2 } })
  })

  test('of approvals print a CSV file that runs nothing in a spreadsheet', async () => {
    const { stdout } = await cli(settings, ['audit', 'approvals', '--csv'])
    const [header, first] = stdout.split('\r\n')
    expect(header).toMatch(/^approval,action,status,costMicros/)
    expect(first).toContain(`${ids[0]},TransferFunds,granted,5,medium,requested,ada,`)
  })

  test('of the mode name the change, the person and the reason, and the mode now', async () => {
    const run = await cli(settings, ['audit', 'mode', '--json'])
    const [switched, policy, summary] = run.json()
    expect(switched).toMatchObject({ from: 'supervised', to: 'manual', by: 'ada', reason: 'an incident' })
    expect(policy).toMatchObject({ thresholdMicros: 7, approveAnswers: true, by: 'ben' })
    expect(summary).toMatchObject({ mode: 'manual', changes: 2, readModel: { state: 'agrees' } })
    expect((await cli(settings, ['audit', 'mode'])).stdout).toContain('supervised → manual  by ada: an incident')
  })

  test('end with 1 where the read model shows something else', async () => {
    await db.postgres.transaction((tx) =>
      sql`update read_models.approvals set decided_by = 'eve' where approval_id = ${ids[0]}`.execute(tx),
    )
    const run = await cli(settings, ['audit', 'approvals', '--json'])
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('read_model_differs')
  })
})
