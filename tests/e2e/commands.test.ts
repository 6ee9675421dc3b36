import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { publicCommands } from '../../src/commands/registry.ts'
import { Uuid7 } from '../../src/events/identifiers.ts'
import { apiPost, authorized, executeCommand, type ApiAnswer } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api' })
beforeAll(async () => {
  for (const account of ['external', 'reserve', 'agent:ada', 'agent:bob']) await command('OpenAccount', { account })
})

const command = (name: string, fields: unknown, key?: string) => executeCommand(scene.council, name, fields, key)
const post = (path: string, body: string | Buffer, headers: Record<string, string>) =>
  apiPost(scene.council, path, body, headers)
const json = { ...authorized, 'content-type': 'application/json' }
const withKey = () => ({ ...json, 'idempotency-key': newId() })
const transfer = (amountMicros: number, change: Record<string, unknown> = {}) => ({
  transferId: newId(),
  from: 'external',
  to: 'reserve',
  amountMicros,
  reason: 'story',
  ...change,
})
const reservation = (amountMicros: number) => ({
  account: 'reserve',
  amountMicros,
  expiresAt: new Date(Date.now() + 60_000).toISOString(),
})

const appended = { status: 200, body: { result: 'appended' } }
const duplicateOf = ({ body }: ApiAnswer) => ({ status: 200, body: { ...body, result: 'duplicate' } })
const problem = (status: number, code: string, more: Record<string, unknown> = {}) => ({
  status,
  headers: { 'content-type': 'application/problem+json; charset=utf-8' },
  body: { status, code, ...more },
})

/** A UUIDv7 of a time that is this far from now. */
function idAt(fromNowMs: number): string {
  const hex = (Date.now() + fromNowMs).toString(16).padStart(12, '0')
  return Uuid7.parse(`${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`)
}

describe('a command over HTTP', () => {
  test('answers when its events are durable, with their positions', async () => {
    const { status, body } = await command('TransferFunds', transfer(5_000_000))
    const position = expect.stringMatching(/^\d+-\d+$/)
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        result: 'appended',
        position,
        revisions: { 'account/external': expect.any(Number), 'account/reserve': expect.any(Number) },
        events: [
          { position, stream: 'account/external', type: 'AccountDebited' },
          { position, stream: 'account/reserve', type: 'AccountCredited' },
        ],
      },
    })
  })

  test('with the same key runs once and gets the first answer again', async () => {
    const [key, fields] = [newId(), transfer(7)]
    const first = await command('TransferFunds', fields, key)
    expect(await command('TransferFunds', fields, key)).toMatchObject(duplicateOf(first))
  })

  test('that transfers moves money again if the same transferId comes under another key', async () => {
    const fields = transfer(7)
    const first = await command('TransferFunds', fields, 'a-key-for-one-transfer')
    const again = await command('TransferFunds', fields, 'a-key-for-another-transfer')
    expect([first, again]).toMatchObject([appended, appended])
    expect(again.body).not.toEqual(first.body)
    expect(await command('TransferFunds', fields, 'a-key-for-one-transfer')).toMatchObject(duplicateOf(first))
  })

  test('that reserves uses its key as the id of the reservation', async () => {
    const key = newId()
    await command('TransferFunds', transfer(1000))
    expect(await command('ReserveFunds', reservation(400), key)).toMatchObject({ status: 200 })
    const settled = await command('SettleReservation', { account: 'reserve', reservationId: key, actualMicros: 300 })
    const types = ['ReservationSettled', 'AccountDebited', 'AccountOpened', 'AccountCredited']
    expect(settled).toMatchObject({ status: 200, body: { events: types.map((type) => ({ type })) } })
    expect(await command('ReserveFunds', { ...reservation(400), reservationId: newId() })).toMatchObject(
      problem(400, 'malformed_request', { detail: expect.stringContaining('reservationId') }),
    )
  })

  test('that a rule refuses gets the code and the figures of the rule, and stays refused under its key', async () => {
    const [key, fields] = [newId(), transfer(9_000_000, { from: 'agent:ada' })]
    const refused = await command('TransferFunds', fields, key)
    const details = { account: 'agent:ada', availableMicros: 0, amountMicros: 9_000_000 }
    expect(refused).toMatchObject(
      problem(422, 'insufficient_funds', { type: '/docs/errors.md#insufficient_funds', details }),
    )
    await command('TransferFunds', transfer(9_000_000, { to: 'agent:ada' }))
    expect((await command('TransferFunds', fields, key)).body).toEqual(refused.body)
  })

  test('under the key of another command is a conflict', async () => {
    const key = newId()
    await command('TransferFunds', transfer(1), key)
    expect(await command('TransferFunds', transfer(2), key)).toMatchObject(problem(409, 'command_id_reused'))
  })

  test.each([
    ['older than the command window', -25 * 3_600_000, problem(410, 'id_expired')],
    ['of the future', 10 * 60_000, problem(400, 'id_ahead')],
  ])('under a key %s never runs', async (_, fromNowMs, refusal) => {
    expect(await command('TransferFunds', transfer(1), idAt(fromNowMs))).toMatchObject(refusal)
  })

  test('has the same id under a UUIDv7 in capitals and in lower case', async () => {
    const [key, fields] = [newId(), transfer(11)]
    const first = await command('TransferFunds', fields, key.toUpperCase())
    expect(first).toMatchObject({ ...appended, headers: { 'x-council-command-id': key } })
    expect(await command('TransferFunds', fields, key)).toMatchObject(duplicateOf(first))
  })

  test.each([
    ['a UUIDv4', () => randomUUID()],
    ['a text of its own', () => `order:${newId()}/1#"{}\\`],
    ['128 characters', () => newId().padEnd(128, '~')],
    ['the name of a property of every object', () => `__proto__${newId()}`],
  ])('accepts %s as its key, and names the command id that it assigned', async (_, makeKey) => {
    const [key, fields] = [makeKey(), transfer(12)]
    const first = await command('TransferFunds', fields, key)
    const headers = { 'x-council-command-id': Uuid7.parse(first.headers['x-council-command-id']) }
    expect(first).toMatchObject(appended)
    for (const either of [key, headers['x-council-command-id']])
      expect(await command('TransferFunds', fields, either)).toMatchObject({ ...duplicateOf(first), headers })
    expect(await command('TransferFunds', transfer(13), key)).toMatchObject({
      ...problem(409, 'command_id_reused'),
      headers,
    })
  })

  test("runs once when it comes several times at once under a caller's own key", async () => {
    const [key, fields] = [`twice-${newId()}`, transfer(14)]
    const answers = await Promise.all([1, 2, 3, 4].map(() => command('TransferFunds', fields, key)))
    const results = answers.map(({ body }) => body['result']).sort()
    expect(results).toEqual(['appended', 'duplicate', 'duplicate', 'duplicate'])
    expect(new Set(answers.map(({ body }) => body['position'])).size).toBe(1)
  })

  test("that reserves under a caller's own key makes one reservation, named by the command id", async () => {
    const [key, fields] = [`reservation-${newId()}`, reservation(400)]
    await command('TransferFunds', transfer(1000))
    const first = await command('ReserveFunds', fields, key)
    expect(await command('ReserveFunds', fields, key)).toMatchObject(duplicateOf(first))
    const reservationId = first.headers['x-council-command-id']
    expect(await command('ReleaseReservation', { account: 'reserve', reservationId })).toMatchObject(appended)
  })

  test("that was refused stays refused under a caller's own key", async () => {
    const [key, fields] = [`refused-${newId()}`, transfer(5, { from: 'agent:bob' })]
    const refused = await command('TransferFunds', fields, key)
    expect(refused).toMatchObject(problem(422, 'insufficient_funds'))
    await command('TransferFunds', transfer(5, { to: 'agent:bob' }))
    expect(await command('TransferFunds', fields, key)).toMatchObject({ status: 422, body: refused.body })
  })

  test.each([
    ['without a key', {}],
    ['with an empty key', { 'idempotency-key': '' }],
    ['with a key of 129 characters', { 'idempotency-key': 'x'.repeat(129) }],
    ['with a space in its key', { 'idempotency-key': 'order 66' }],
    ['with a key that is not ASCII', { 'idempotency-key': 'caf\u00e9' }],
    ['with two keys', { 'idempotency-key': `${newId()}, ${newId()}` }],
  ])('%s is refused, and the answer describes a key', async (_, headers) => {
    const answer = await post('/v1/commands/TransferFunds', JSON.stringify(transfer(1)), { ...json, ...headers })
    expect(answer).toMatchObject(problem(400, 'malformed_request', { detail: expect.stringContaining('UUIDv7') }))
  })

  test.each([
    ['an amount of zero', transfer(0), 'amountMicros'],
    ['a negative amount', transfer(-5), 'amountMicros'],
    ['half a micro-dollar', transfer(0.5), 'amountMicros'],
    ['an amount as text', transfer(1, { amountMicros: '1' }), 'amountMicros'],
    ['an invalid account', transfer(1, { to: 'agent:../reserve' }), 'to:'],
    ['a surplus field', transfer(1, { force: true }), 'force'],
    ['a list as its body', [], 'expected object'],
    ['null as its body', null, 'expected object'],
    ['a number as its body', 7, 'expected object'],
  ])('with %s is malformed, and the answer names the fault', async (_, fields, detail) => {
    expect(await command('TransferFunds', fields)).toMatchObject(
      problem(400, 'malformed_command', { detail: expect.stringContaining(detail) }),
    )
  })

  const text = JSON.stringify(transfer(1))
  test.each([
    ['half of a JSON text', '{"from":'],
    ['no body', ''],
    ['a prototype', '{"__proto__":{"amountMicros":1}}'],
    ['a key twice', text.replace('{', '{"amountMicros":2,')],
    ['a key twice, once escaped', text.replace('{', String.raw`{"\u0061mountMicros":2,`)],
    ['bytes that are not UTF-8', Buffer.from(text.replace('story', 'stor\u00ff'), 'latin1')],
    ['a thousand levels', '['.repeat(1000) + ']'.repeat(1000)],
  ])('with %s as its body is a malformed request', async (_, body) => {
    const answer = await post('/v1/commands/TransferFunds', body, withKey())
    expect(answer).toMatchObject(problem(400, 'malformed_request'))
  })

  test('with a key twice in its body is refused, and the answer names the key', async () => {
    const answer = await post('/v1/commands/OpenAccount', '{"account":"agent:a","account":"agent:b"}', withKey())
    expect(answer.body).toMatchObject({ code: 'malformed_request', detail: 'the body has the key "account" twice' })
  })

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/xml'])(
    'with a body of type %s is refused',
    async (type) => {
      const headers = { ...withKey(), 'content-type': type }
      const answer = await post('/v1/commands/TransferFunds', 'from=external', headers)
      expect(answer).toMatchObject(problem(415, 'unsupported_media_type'))
    },
  )

  test('with a body over 64 KiB is refused', async () => {
    const large = transfer(1, { reason: 'x'.repeat(70_000) })
    expect(await command('TransferFunds', large)).toMatchObject(problem(413, 'too_large'))
  })

  test.each([
    'Nonsense',
    'SubmitPrompt',
    'StartAttempt',
    'constructor',
    '__proto__',
    'transferfunds',
    '..%2f..%2flivez',
  ])('named %s is unknown', async (name) =>
    expect(await command(name, {})).toMatchObject(problem(404, 'unknown_command')),
  )

  test('of a client without a token is refused before its name and its body are read', async () => {
    for (const path of ['/v1/commands/TransferFunds', '/v1/commands/Nonsense'])
      expect(await post(path, '{"from":', { 'content-type': 'application/json' })).toMatchObject({
        ...problem(401, 'unauthorized'),
        headers: { 'www-authenticate': 'Bearer' },
      })
  })

  test('with any invalid body is a problem with a code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...publicCommands.keys()),
        fc.oneof(fc.json(), fc.string()),
        async (name, body) => {
          const answer = await post(`/v1/commands/${name}`, body, withKey())
          expect([answer.status, answer.body['code']]).toEqual([
            400,
            expect.stringMatching(/^malformed_(request|command)$/),
          ])
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('the emergency stop over HTTP', () => {
  test('refuses every transfer until it is lifted', async () => {
    expect(await command('FreezeTreasury', { reason: 'intrusion' })).toMatchObject({
      status: 200,
      body: { revisions: { 'governance/treasury': 1 } },
    })
    expect(await command('TransferFunds', transfer(1))).toMatchObject(problem(422, 'treasury_frozen'))
    expect(await command('UnfreezeTreasury', { reason: 'false alarm' })).toMatchObject({ status: 200 })
    expect(await command('TransferFunds', transfer(1))).toMatchObject({ status: 200 })
  })
})
