import { expect, test } from 'vitest'
import { approved } from '../../../src/commands/approval/approved.ts'
import { createGate } from '../../../src/commands/gate/gate.ts'
import { publicCommands } from '../../../src/commands/registry.ts'
import { Principal } from '../../../src/events/identifiers.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { idAt } from '../../support/council.ts'
import { approvalState, as, outcomeOf, waitingFor } from '../../support/governed.ts'
import { memoryServer } from '../../support/memory-log/memory-log.ts'

const day = 86_400_000

test('an action that was proposed three days ago is granted and runs in a process that starts then, under an id of its own', async () => {
  let nowMs = Date.parse('2026-11-23T12:00:00.000Z')
  const clock = { nowMs: () => nowMs }
  const server = memoryServer(clock)
  const newId = () => idAt(nowMs)
  /** A process that has nothing in memory. */
  const process = () => ({
    gate: createGate({ log: server.open(), clock, newId, pause: () => Promise.resolve(), logger: silentLogger }),
  })
  const first = process()
  const ada = as(first, 'ada')
  await ada('OpenAccount', { account: 'reserve' }, newId())
  await ada('OpenAccount', { account: 'external' }, newId())
  const funding = { transferId: 'f', from: 'external', to: 'reserve', amountMicros: 90_000_000, reason: 'funding' }
  await ada('TransferFunds', funding, newId())
  await ada('SetApprovalPolicy', { timeoutSeconds: 7 * 86_400 }, newId())
  const reserve = { account: 'reserve', amountMicros: 60_000_000, expiresAt: '2026-11-27T12:00:00.000Z' }
  const approvalId = waitingFor(await as(first, 'agent:scout')('ReserveFunds', reserve, newId()))

  nowMs += 3 * day
  const later = process()
  expect(outcomeOf(await as(later, 'ada')('GrantApproval', { approvalId }, newId()))).toBe('appended')
  const definition = publicCommands.get('ReserveFunds')?.definition
  if (!definition) throw new Error('there is no ReserveFunds')
  const commandId = newId()
  const result = await process().gate.execute(
    approved(definition, approvalId, '1-1'),
    { ...reserve, reservationId: commandId },
    { commandId, principal: Principal.parse('agent:scout') },
  )
  expect(outcomeOf(result)).toBe('appended')
  expect(await approvalState(later, approvalId)).toEqual({ status: 'finished' })
})
