import fc from 'fast-check'
import { expect, test } from 'vitest'
import { account, type Account } from '../../src/commands/aggregates/account.ts'
import { isAccountEvent } from '../../src/events/account.ts'
import { executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api', settings: { MAX_COMMANDS_IN_FLIGHT: '200' } })

const accounts = ['reserve', 'agent:ada', 'agent:bob', 'agent:eve'] as const
const payer = fc.constantFrom(...accounts)
const amountMicros = fc.integer({ min: 1, max: 400 })
const command = fc.oneof(
  fc.record({ name: fc.constant('TransferFunds' as const), from: payer, to: payer, amountMicros }),
  fc.record({ name: fc.constant('ReserveFunds' as const), account: payer, amountMicros }),
  // Settles or releases one of the reservations that were asked for before, whether it was granted or not.
  fc.record({ name: fc.constant('SettleReservation' as const), which: fc.nat(), actualMicros: fc.nat(600) }),
  fc.record({ name: fc.constant('ReleaseReservation' as const), which: fc.nat() }),
)
type Command = typeof command extends fc.Arbitrary<infer One> ? One : never
type Reservation = { account: string; reservationId: string }

const inFlight = 100

/** Sends a command over HTTP; every answer must be a decision. */
async function send(asked: Command, reservations: Reservation[]): Promise<void> {
  const key = newId()
  const post = (fields: object) => executeCommand(scene.council, asked.name, fields, key)
  const answer = await post(fieldsOf(asked, key, reservations))
  expect([200, 422]).toContain(answer.status)
}

function fieldsOf(asked: Command, key: string, reservations: Reservation[]): object {
  const { name, ...fields } = asked
  switch (name) {
    case 'TransferFunds':
      return { ...fields, transferId: key, reason: 'a load' }
    case 'ReserveFunds': {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
      if ('account' in fields) reservations.push({ account: fields.account, reservationId: key })
      return { ...fields, expiresAt }
    }
    case 'SettleReservation':
    case 'ReleaseReservation': {
      const none = { account: 'reserve', reservationId: newId() }
      const which = 'which' in fields ? fields.which : 0
      const of = reservations[which % Math.max(1, reservations.length)] ?? none
      return { ...of, ...('actualMicros' in fields && { actualMicros: fields.actualMicros }) }
    }
    default:
      return name satisfies never
  }
}

/** The accounts as the events of the log leave them. Throws on an overdraft, and on a reservation that is resolved twice. */
async function folded(): Promise<Map<string, Account>> {
  const states = new Map<string, Account>()
  for (const event of await scene.log.events())
    if (isAccountEvent(event))
      states.set(event.stream, account.evolve(states.get(event.stream) ?? account.initial, event))
  return states
}

test(`whatever ${inFlight} callers ask at once over HTTP, money is neither made nor lost, and no account is overdrawn`, async () => {
  for (const name of ['external', ...accounts]) await executeCommand(scene.council, 'OpenAccount', { account: name })
  for (const to of accounts)
    await executeCommand(scene.council, 'TransferFunds', {
      transferId: 'funding',
      from: 'external',
      to,
      amountMicros: 20_000,
      reason: 'funding',
    })
  const reservations: Reservation[] = []
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: inFlight, maxLength: inFlight }), async (load) => {
      await Promise.all(load.map((asked) => send(asked, reservations)))
      const states = [...(await folded()).values()].flatMap((state) => (state.status === 'absent' ? [] : [state]))
      expect(states.reduce((sum, { balanceMicros }) => sum + balanceMicros, 0)).toBe(0)
      for (const { accountId, balanceMicros, reservations: open } of states) {
        if (accountId === 'external' || accountId === 'overrun') continue
        const reserved = Object.values(open).reduce((sum, one) => sum + one.amountMicros, 0)
        expect({ accountId, isCovered: balanceMicros >= reserved }).toEqual({ accountId, isCovered: true })
      }
    }),
    { numRuns: 5 },
  )
  const moved = (await scene.log.events()).filter(
    ({ type }) => type === 'AccountDebited' || type === 'ReservationSettled',
  )
  expect(moved.length).toBeGreaterThan(inFlight)
})
