import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { Principal } from '../../../src/events/identifiers.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import { processLine } from '../../support/process-line.ts'
import { redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

const childProgram = fileURLToPath(new URL('../../support/lease-holder-child.ts', import.meta.url))

const tokenOf = async ({ log }: TestCouncil, holder: string, token: number | null = null, lengthMs = 60_000) => {
  const answer = await log.holdLease({ holder, token, lengthMs })
  return answer.held ? answer.token : null
}
const open = ({ gate }: TestCouncil, account: string, fence?: number) =>
  gate.execute(
    OpenAccount,
    { account: id(account) },
    { commandId: newId(), principal: Principal.parse('tester'), ...(fence !== undefined && { fence }) },
  )

test('a command under a lease that another gate has taken over is rejected, and the rest of its batch is done', async () => {
  const council = await testCouncil()
  const other = await testCouncil(council.councilId)
  const stale = (await tokenOf(council, 'first'))!
  expect(await open(council, 'agent:before', stale)).toMatchObject({ result: 'appended' })
  await council.log.holdLease({ holder: 'first', token: stale, lengthMs: 0 })
  const current = (await tokenOf(other, 'second'))!

  const results = await Promise.all([
    open(council, 'agent:ada'),
    open(council, 'agent:stale', stale),
    open(council, 'agent:bob'),
  ])
  expect(results).toMatchObject([
    { result: 'appended' },
    { result: 'rejected', code: 'fenced', message: expect.stringMatching(/^nothing was done/) },
    { result: 'appended' },
  ])
  expect(await open(other, 'agent:fresh', current)).toMatchObject({ result: 'appended' })
  const opened = (await council.events()).map(({ stream }) => stream)
  expect(opened).not.toContain('account/agent:stale')
})

test('a process that is stopped while it holds the lease writes nothing once it continues after a takeover', async () => {
  const council = await testCouncil()
  const child = spawn(process.execPath, [childProgram, redisUrl, council.councilId, '300'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await gone
  })
  await processLine(child, /holds \d+/)
  child.kill('SIGSTOP')
  // It decides and appends as soon as it continues.
  child.kill('SIGUSR2')
  await expect.poll(() => tokenOf(council, 'second')).not.toBeNull()
  child.kill('SIGCONT')
  expect(await processLine(child, /answered/)).toBe('answered fenced')
  expect(await council.events()).toEqual([])
})
