import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { apiGet } from '../support/api-client.ts'
import { adminToken } from '../support/served-council.ts'
import { council as cli, emptyDataDir } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { as, approvalState, waitingFor } from '../support/governed.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api,projector' })
const run = (...args: string[]) =>
  cli({ COUNCIL_URL: scene.council.url, COUNCIL_TOKEN: adminToken }, ['approvals', ...args])
const exactArguments = { account: 'agent:scout', amountMicros: 60_000_000, expiresAt: '2030-01-01T00:00:00.000Z' }

async function proposed(): Promise<string> {
  const scout = as(scene.log, 'agent:scout')
  return waitingFor(await scout('RequestApproval', { action: 'ReserveFunds', exactArguments }))
}

/** Resolves when the read model shows everything that the log has. */
async function shown(): Promise<void> {
  const last = (await scene.log.events()).at(-1)
  expect(await apiGet(scene.council, `/v1/approvals?after=${last?.position}`)).toMatchObject({ status: 200 })
}

describe('council approvals', () => {
  test('lists and shows what waits, with its exact arguments', async () => {
    const approvalId = await proposed()
    await shown()
    const listed = await run('list', '--json')
    expect(listed.json()).toEqual(expect.arrayContaining([expect.objectContaining({ approval: approvalId })]))
    const { stdout } = await run('show', approvalId)
    expect(stdout).toContain('ReserveFunds  waiting')
    expect(stdout).toContain('"amountMicros": 60000000')
    expect(stdout).toContain('agent:scout')
  })

  test('approves: the action may run with exactly these arguments', async () => {
    const approvalId = await proposed()
    const { code, stdout } = await run('approve', approvalId, '--json')
    expect({ code, out: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, out: { decision: 'granted' } })
    expect((await approvalState(scene.log, approvalId as ReturnType<typeof newId>)).status).toBe('granted')
  })

  test('approves changed arguments, as a proposal of its own', async () => {
    const approvalId = await proposed()
    const file = join(emptyDataDir(), 'arguments.json')
    writeFileSync(file, JSON.stringify({ ...exactArguments, amountMicros: 1 }))
    const { code, json } = await run('approve', approvalId, '--edit', file, '--json')
    const [decided] = json()
    expect(code).toBe(0)
    expect(decided?.['approval']).not.toBe(approvalId)
    await shown()
    const replaced = await run('show', approvalId, '--json')
    expect(replaced.json()[0]).toMatchObject({ status: 'replaced', replacedBy: decided?.['approval'] })
  })

  test('denies with a reason, and says so if the action is decided already', async () => {
    const approvalId = await proposed()
    expect((await run('deny', approvalId, '--reason', 'too much')).code).toBe(0)
    const again = await run('deny', approvalId, '--reason', 'no')
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain('approval_decided')
  })

  test.each([
    ['an id that is none', ['show', 'x'], 2, 'id of an approval'],
    ['a denial without a reason', ['deny', newId()], 2, '--reason'],
    ['a file that is not there', ['approve', newId(), '--edit', '/nothing/here'], 2, '--edit'],
    ['an approval that is unknown', ['show', newId()], 1, 'not_found'],
  ])('refuses %s', async (_, args, code, message) => {
    const refused = await run(...args)
    expect(refused.code).toBe(code)
    expect(refused.stderr).toContain(message)
  })
})
