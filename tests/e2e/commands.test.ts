import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publicCommands } from '../../src/commands/registry.ts'
import { Uuid7 } from '../../src/events/identifiers.ts'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'

let council: ServedCouncil
beforeAll(async () => {
  council = await serveCouncil(
    {
      COUNCIL_ID: freshCouncilId(),
      REDIS_URL: redisUrl,
      REDIS_EPHEMERAL_URL: redisUrl,
      DATABASE_URL: await createDatabase(),
    },
    'api',
  )
  for (const account of ['external', 'reserve', 'agent:ada']) await command('OpenAccount', { account })
})
afterAll(() => council.stop())

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Record<string, unknown> }

async function post(path: string, body: string | Buffer | undefined, headers: Record<string, string>): Promise<Answer> {
  const answer = await request(`${council.url}${path}`, {
    method: 'POST',
    headers,
    ...(body !== undefined && { body }),
  })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: JSON.parse(await answer.body.text()) as Record<string, unknown>,
  }
}

const authorized = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
const command = (name: string, fields: unknown, key: string = newId()) =>
  post(`/v1/commands/${name}`, JSON.stringify(fields), { ...authorized, 'idempotency-key': key })
const transfer = (amountMicros: number, change: Record<string, unknown> = {}) => ({
  transferId: newId(),
  from: 'external',
  to: 'reserve',
  amountMicros,
  reason: 'story',
  ...change,
})

/** A UUIDv7 as it would have been made so many milliseconds from now. */
function idAt(fromNowMs: number): string {
  const hex = (Date.now() + fromNowMs).toString(16).padStart(12, '0')
  return Uuid7.parse(`${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`)
}

describe('a command over HTTP', () => {
  test('answers when it is durable, with where its events went', async () => {
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

  test('that is sent again under its key is answered as the first time, and not done twice', async () => {
    const [key, fields] = [newId(), transfer(7)]
    const first = await command('TransferFunds', fields, key)
    expect(await command('TransferFunds', fields, key)).toMatchObject({
      status: 200,
      body: { ...first.body, result: 'duplicate' },
    })
  })

  test('that transfers is protected by its key alone: the same transferId under another key moves money again', async () => {
    const fields = transfer(7)
    const first = await command('TransferFunds', fields, 'a-key-for-one-transfer')
    const again = await command('TransferFunds', fields, 'a-key-for-another-transfer')
    expect([first, again]).toMatchObject([
      { status: 200, body: { result: 'appended' } },
      { status: 200, body: { result: 'appended' } },
    ])
    expect(again.body).not.toEqual(first.body)
    expect(await command('TransferFunds', fields, 'a-key-for-one-transfer')).toMatchObject({
      status: 200,
      body: { ...first.body, result: 'duplicate' },
    })
  })

  test('that reserves takes its key for the id of the reservation', async () => {
    const key = newId()
    const expiresAt = new Date(Date.now() + 60_000).toISOString()
    await command('TransferFunds', transfer(1000))
    expect(await command('ReserveFunds', { account: 'reserve', amountMicros: 400, expiresAt }, key)).toMatchObject({
      status: 200,
    })
    expect(
      await command('SettleReservation', { account: 'reserve', reservationId: key, actualMicros: 300 }),
    ).toMatchObject({
      status: 200,
      body: {
        events: [
          { type: 'ReservationSettled' },
          { type: 'AccountDebited' },
          { type: 'AccountOpened' },
          { type: 'AccountCredited' },
        ],
      },
    })
    expect(
      await command('ReserveFunds', { account: 'reserve', amountMicros: 400, expiresAt, reservationId: newId() }),
    ).toMatchObject({
      status: 400,
      body: { code: 'malformed_request', detail: expect.stringContaining('reservationId') },
    })
  })

  test('that a rule refuses is a problem with the code and the figures of the rule, and stays one under its key', async () => {
    const [key, fields] = [newId(), transfer(9_000_000, { from: 'agent:ada' })]
    const refused = await command('TransferFunds', fields, key)
    expect(refused).toMatchObject({
      status: 422,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
      body: {
        status: 422,
        code: 'insufficient_funds',
        type: '/docs/errors.md#insufficient_funds',
        details: { account: 'agent:ada', availableMicros: 0, amountMicros: 9_000_000 },
      },
    })
    await command('TransferFunds', transfer(9_000_000, { to: 'agent:ada' }))
    expect((await command('TransferFunds', fields, key)).body).toEqual(refused.body)
  })

  test('under a key that was used for something else is a conflict', async () => {
    const key = newId()
    await command('TransferFunds', transfer(1), key)
    expect(await command('TransferFunds', transfer(2), key)).toMatchObject({
      status: 409,
      body: { code: 'command_id_reused' },
    })
  })

  test('under a key from beyond the window never runs', async () => {
    expect(await command('TransferFunds', transfer(1), idAt(-25 * 3_600_000))).toMatchObject({
      status: 410,
      body: { code: 'id_expired' },
    })
  })

  test('under a key from the future is not taken', async () => {
    expect(await command('TransferFunds', transfer(1), idAt(10 * 60_000))).toMatchObject({
      status: 400,
      body: { code: 'id_ahead' },
    })
  })

  test('under a UUIDv7 in capitals is the one under the same in lower case', async () => {
    const [key, fields] = [newId(), transfer(11)]
    const first = await command('TransferFunds', fields, key.toUpperCase())
    expect(first).toMatchObject({ status: 200, headers: { 'x-council-command-id': key }, body: { result: 'appended' } })
    expect(await command('TransferFunds', fields, key)).toMatchObject({
      status: 200,
      body: { ...first.body, result: 'duplicate' },
    })
  })

  test.each([
    ['a UUIDv4', () => randomUUID()],
    ['a text of its own', () => `order:${newId()}/1#"{}\\`],
    ['128 characters', () => newId().padEnd(128, '~')],
    ['what every object has', () => `__proto__${newId()}`],
  ])('may have %s for its key: it is known by it, and says under which id it ran', async (_, makeKey) => {
    const [key, fields] = [makeKey(), transfer(12)]
    const first = await command('TransferFunds', fields, key)
    const id = Uuid7.parse(first.headers['x-council-command-id'])
    expect(first).toMatchObject({ status: 200, body: { result: 'appended' } })
    const duplicate = {
      status: 200,
      headers: { 'x-council-command-id': id },
      body: { ...first.body, result: 'duplicate' },
    }
    expect(await command('TransferFunds', fields, key)).toMatchObject(duplicate)
    expect(await command('TransferFunds', fields, id)).toMatchObject(duplicate)
    expect(await command('TransferFunds', transfer(13), key)).toMatchObject({
      status: 409,
      headers: { 'x-council-command-id': id },
      body: { code: 'command_id_reused' },
    })
  })

  test('that comes twice at once under a key of the caller is done once', async () => {
    const [key, fields] = [`twice-${newId()}`, transfer(14)]
    const answers = await Promise.all([1, 2, 3, 4].map(() => command('TransferFunds', fields, key)))
    expect(answers.map(({ body }) => body['result']).sort()).toEqual([
      'appended',
      'duplicate',
      'duplicate',
      'duplicate',
    ])
    expect(new Set(answers.map(({ body }) => body['position'])).size).toBe(1)
  })

  test('that reserves under a key of the caller makes one reservation, named by the id of the answer', async () => {
    const key = `reservation-${newId()}`
    await command('TransferFunds', transfer(1000))
    const fields = { account: 'reserve', amountMicros: 400, expiresAt: new Date(Date.now() + 60_000).toISOString() }
    const first = await command('ReserveFunds', fields, key)
    expect(await command('ReserveFunds', fields, key)).toMatchObject({
      status: 200,
      body: { ...first.body, result: 'duplicate' },
    })
    const reservationId = first.headers['x-council-command-id']
    expect(await command('ReleaseReservation', { account: 'reserve', reservationId })).toMatchObject({
      status: 200,
      body: { result: 'appended' },
    })
  })

  test('that was refused stays refused under a key of the caller', async () => {
    await command('OpenAccount', { account: 'agent:bob' })
    const [key, fields] = [`refused-${newId()}`, transfer(5, { from: 'agent:bob', to: 'reserve' })]
    const refused = await command('TransferFunds', fields, key)
    expect(refused).toMatchObject({ status: 422, body: { code: 'insufficient_funds' } })
    await command('TransferFunds', transfer(5, { to: 'agent:bob' }))
    expect(await command('TransferFunds', fields, key)).toMatchObject({ status: 422, body: refused.body })
  })

  test.each([
    ['no key', {}],
    ['an empty key', { 'idempotency-key': '' }],
    ['a key of 129 characters', { 'idempotency-key': 'x'.repeat(129) }],
    ['a key with a space', { 'idempotency-key': 'order 66' }],
    ['a key that is not ASCII', { 'idempotency-key': 'caf\u00e9' }],
    ['two keys', { 'idempotency-key': `${newId()}, ${newId()}` }],
  ])('with %s is told what a key is', async (_, headers) => {
    expect(
      await post('/v1/commands/TransferFunds', JSON.stringify(transfer(1)), { ...authorized, ...headers }),
    ).toMatchObject({ status: 400, body: { code: 'malformed_request', detail: expect.stringContaining('UUIDv7') } })
  })

  test.each([
    ['an amount of nothing', transfer(0), 'amountMicros'],
    ['an amount below nothing', transfer(-5), 'amountMicros'],
    ['half a micro-dollar', transfer(0.5), 'amountMicros'],
    ['an amount as text', transfer(1, { amountMicros: '1' }), 'amountMicros'],
    ['an account that cannot be', transfer(1, { to: 'agent:../reserve' }), 'to:'],
    ['a field too many', transfer(1, { force: true }), 'force'],
    ['a list', [], 'expected object'],
    ['nothing', null, 'expected object'],
    ['a number', 7, 'expected object'],
  ])('with %s is told what is wrong', async (_, fields, detail) => {
    expect(await command('TransferFunds', fields)).toMatchObject({
      status: 400,
      body: { code: 'malformed_command', detail: expect.stringContaining(detail) },
    })
  })

  test.each([
    ['half of a JSON text', '{"from":', authorized],
    ['no body', '', authorized],
    ['a prototype', '{"__proto__":{"amountMicros":1}}', authorized],
    ['a key twice', JSON.stringify(transfer(1)).replace('{', '{"amountMicros":2,'), authorized],
    [
      'a key twice, once escaped',
      JSON.stringify(transfer(1)).replace('{', String.raw`{"\u0061mountMicros":2,`),
      authorized,
    ],
    [
      'bytes that are not UTF-8',
      Buffer.from(JSON.stringify(transfer(1)).replace('story', 'stor\u00ff'), 'latin1'),
      authorized,
    ],
    ['a thousand levels', '['.repeat(1000) + ']'.repeat(1000), authorized],
  ])('with %s for a body is malformed', async (_, body, headers) => {
    expect(await post('/v1/commands/TransferFunds', body, { ...headers, 'idempotency-key': newId() })).toMatchObject({
      status: 400,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
      body: { code: 'malformed_request' },
    })
  })

  test('says which key came twice', async () => {
    expect(
      await post('/v1/commands/OpenAccount', '{"account":"agent:a","account":"agent:b"}', {
        ...authorized,
        'idempotency-key': newId(),
      }),
    ).toMatchObject({ body: { code: 'malformed_request', detail: 'the body has the key "account" twice' } })
  })

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/xml'])(
    'whose body is %s is not taken',
    async (type) => {
      expect(
        await post('/v1/commands/TransferFunds', 'from=external', {
          ...authorized,
          'content-type': type,
          'idempotency-key': newId(),
        }),
      ).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } })
    },
  )

  test('that is larger than 64 KiB is not read', async () => {
    expect(await command('TransferFunds', transfer(1, { reason: 'x'.repeat(70_000) }))).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    })
  })

  test.each([
    'Nonsense',
    'SubmitPrompt',
    'StartAttempt',
    'constructor',
    '__proto__',
    'transferfunds',
    '..%2f..%2flivez',
  ])('named %s is not there', async (name) => {
    expect(await command(name, {})).toMatchObject({ status: 404, body: { code: 'unknown_command' } })
  })

  test('of a stranger is not looked at', async () => {
    for (const path of ['/v1/commands/TransferFunds', '/v1/commands/Nonsense'])
      expect(await post(path, '{"from":', { 'content-type': 'application/json' })).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
        body: { code: 'unauthorized' },
      })
  })

  test('that makes no sense is a problem with a code, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...publicCommands.keys()),
        fc.oneof(fc.json(), fc.string()),
        async (name, body) => {
          const answer = await post(`/v1/commands/${name}`, body, { ...authorized, 'idempotency-key': newId() })
          expect(answer).toMatchObject({
            status: 400,
            body: { code: expect.stringMatching(/^malformed_(request|command)$/) },
          })
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('the emergency stop over HTTP', () => {
  test('stops every transfer until it is lifted', async () => {
    expect(await command('FreezeTreasury', { reason: 'intrusion' })).toMatchObject({
      status: 200,
      body: { revisions: { 'governance/treasury': 1 } },
    })
    expect(await command('TransferFunds', transfer(1))).toMatchObject({
      status: 422,
      body: { code: 'treasury_frozen' },
    })
    expect(await command('UnfreezeTreasury', { reason: 'false alarm' })).toMatchObject({ status: 200 })
    expect(await command('TransferFunds', transfer(1))).toMatchObject({ status: 200 })
  })
})
