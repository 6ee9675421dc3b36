import { createPrivateKey, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { SignedReceipt } from '../../src/api/receipts/receipt.ts'
import { councilClient } from '../../src/client/client.ts'
import { chat } from '../../src/commands/aggregates/chat.ts'
import { defineCommand } from '../../src/commands/decider.ts'
import { chatStream } from '../../src/events/chat.ts'
import { Uuid7 } from '../../src/events/identifiers.ts'
import { newSealKey, sealKeyFrom } from '../../src/events/log/archive/seal-key.ts'
import { apiGet, authorized, type ApiAnswer } from '../support/api-client.ts'
import { council as cli, emptyDataDir, type CliSetting } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { makeSealKey } from '../support/sealed.ts'
import { adminToken, serveCouncil } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer, issueToken } from '../support/tokens.ts'

const folder = emptyDataDir()
const keyFile = join(folder, 'seal.pem')
const publicKeyFile = join(folder, 'seal.pub.pem')
const pem = newSealKey()
writeFileSync(keyFile, pem, { mode: 0o600 })
writeFileSync(publicKeyFile, createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' }))

const scene = serveForTests({ settings: { SEAL_KEY_FILE: keyFile } })

const run = (args: readonly string[], setting: CliSetting = {}) =>
  cli({ COUNCIL_URL: scene.council.url, COUNCIL_TOKEN: adminToken }, ['receipt', ...args], setting)
/** Needs no council: it has no address of one. */
const verify = (file: string, setting: CliSetting = {}, key = publicKeyFile) =>
  cli({}, ['receipt', 'verify', file, '--public-key', key], setting)

async function answered(path: 'fast' | 'full'): Promise<string> {
  const client = councilClient({ url: scene.council.url, token: adminToken })
  const answer = client.ask({ text: 'What is the capital of France?', path })
  expect(await answer.ending()).toMatchObject({ type: 'completed' })
  return answer.requestId
}
const newest = async () => (await scene.log.events()).at(-1)?.position ?? ''
/** Asks for a receipt that reflects everything that the log has. */
const receiptAt = async (
  requestId: string,
  headers: Record<string, string> = authorized,
  council: { url: string } = scene.council,
): Promise<ApiAnswer> => apiGet(council, `/v1/chats/${requestId}/receipt?after=${await newest()}`, headers)
const codeOf = ({ status, body }: ApiAnswer) => [status, body['code']]

describe.each(['fast', 'full'] as const)('the receipt of an answer on the %s path', (path) => {
  let requestId: string
  let answer: ApiAnswer
  let signed: SignedReceipt
  beforeAll(async () => {
    requestId = await answered(path)
    answer = await receiptAt(requestId)
    signed = SignedReceipt.parse(answer.body)
  }, 60_000)

  test('adds up to the cost that the answer states, call by call', async () => {
    const { receipt } = signed
    const [completed] = await scene.eventsOf(requestId, /^AnswerCompleted$/)
    const ended = await scene.eventsOf(requestId, /^ModelCallEnded$/)
    expect(receipt).toMatchObject({ requestId, path, outcome: 'completed', asker: 'admin' })
    expect(receipt.costMicros).toBe(completed?.data['costMicros'])
    expect(receipt.costMicros).toBeGreaterThan(0)
    expect(receipt.calls.map(({ costMicros, position }) => [costMicros, position])).toEqual(
      ended.map(({ data, position }) => [data['costMicros'], position]),
    )
    expect(receipt.calls.reduce((sum, { costMicros }) => sum + costMicros, 0)).toBe(receipt.costMicros)
    expect(answer.headers['x-council-position']).toBe(await newest())
  })

  test('shows the vote of each member, if there was a vote', async () => {
    const votes = await scene.eventsOf(requestId, /^(BallotCast|BallotRejected)$/)
    expect(votes.length > 0).toBe(path === 'full')
    expect((signed.receipt.vote?.ballots ?? []).map(({ member, position }) => [member, position])).toEqual(
      votes.map(({ data, position }) => [data['member'], position]),
    )
    const [decided] = await scene.eventsOf(requestId, /^ElectionDecided$/)
    expect(signed.receipt.vote?.winner).toBe(decided?.data['winner'])
  })

  test('is signed by the sealing key, and the command line verifies what it printed, without a council', async () => {
    expect(signed.signature.keyId).toBe(sealKeyFrom(pem).keyId)
    const printed = await run([requestId])
    expect(printed.code).toBe(0)
    expect((await run([requestId, '--json'])).json()).toMatchObject([{ receipt: { requestId } }])
    const file = join(folder, `${path}.json`)
    writeFileSync(file, printed.stdout)
    const checked = await verify(file)
    expect([checked.code, checked.stderr]).toEqual([0, ''])
    expect(checked.stdout).toContain(`the answer ${requestId} is completed and cost `)
    const piped = await cli({}, ['receipt', 'verify', '-', '--public-key', publicKeyFile, '--json'], {
      stdin: () => Readable.from([printed.stdout]),
    })
    expect(piped.json()).toMatchObject([{ genuine: true, requestId, costMicros: signed.receipt.costMicros }])
  })
})

describe('council receipt verify', () => {
  const stdin = (text: string): CliSetting => ({ stdin: () => Readable.from([text]) })
  let text: string
  beforeAll(async () => {
    const requestId = await answered('fast')
    text = JSON.stringify((await receiptAt(requestId)).body)
  })

  test('ends with 1 and says so for a receipt that was changed', async () => {
    const { code, stderr } = await verify('-', stdin(text.replace('"outcome":"completed"', '"outcome":"failed"')))
    expect(code).toBe(1)
    expect(stderr).toContain('it was changed after it was signed (receipt_forged)')
  })

  test('ends with 1 and names both keys for the key of another council', async () => {
    const other = makeSealKey()
    const { code, stderr } = await verify('-', stdin(text), other.publicKeyFile)
    expect(code).toBe(1)
    expect(stderr).toContain(`it names the key ${sealKeyFrom(pem).keyId}, and the given public key is ${other.keyId}`)
  })

  test.each([
    ['no JSON', 'receipt_malformed', (whole: string) => whole.slice(0, -1)],
    ['the same field twice', 'receipt_malformed', (whole: string) => whole.replace('{', '{"receipt":1,')],
    ['a field that is missing', 'receipt.asker', (whole: string) => whole.replace('"asker"', '"asked"')],
  ])('ends with 1 for %s', async (_, named, change) => {
    const { code, stderr } = await verify('-', stdin(change(text)))
    expect([code, stderr]).toEqual([1, expect.stringContaining(named)])
  })

  test('ends with 2 if a file cannot be used, or no key is given', async () => {
    const notThere = join(folder, 'nothing.json')
    expect((await verify(notThere)).code).toBe(2)
    expect((await verify('-', stdin(text), notThere)).code).toBe(2)
    const noKey = join(folder, 'no-key.pem')
    writeFileSync(noKey, text)
    expect((await verify('-', stdin(text), noKey)).code).toBe(2)
    expect((await cli({}, ['receipt', 'verify', '-'])).code).toBe(2)
  })
})

describe('a receipt is not given', () => {
  test("of another's prompt, which is like one that does not exist", async () => {
    const requestId = await answered('fast')
    const ada = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:read'] })
    const reader = await issueToken(scene.council, { subject: 'user:bea', scopes: ['chat:read', 'chat:read-all'] })
    const foreign = await receiptAt(requestId, bearer(ada.token))
    expect(codeOf(foreign)).toEqual([404, 'not_found'])
    expect(foreign.body).toEqual((await receiptAt(newId(), bearer(ada.token))).body)
    expect(codeOf(await receiptAt('yesterday'))).toEqual([404, 'not_found'])
    expect((await receiptAt(requestId, bearer(reader.token))).status).toBe(200)
    const asked = await run([newId()])
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('(not_found)')])
  })

  test('of an answer that has not ended; of a cancelled one it has the part that was sent', async () => {
    scene.model.nextAnswer({ tokens: Array.from({ length: 1_000 }, (_, n) => ` ${n}`), tokensPerSecond: 20 })
    const client = await scene.connect()
    const requestId = client.ask({ path: 'fast' })
    await client.frame('token')
    expect(codeOf(await receiptAt(requestId))).toEqual([409, 'answer_unfinished'])
    const asked = await run([requestId])
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('(answer_unfinished)')])
    client.send({ type: 'cancel', requestId })
    const { costMicros } = await client.frame('cancelled')
    const { receipt } = SignedReceipt.parse((await receiptAt(requestId)).body)
    expect(receipt).toMatchObject({ outcome: 'cancelled', costMicros, vote: null })
  })

  test('by a server that does not have the sealing key', async () => {
    const requestId = await answered('fast')
    const { SEAL_KEY_FILE: _, ...settings } = scene.settings as Record<string, string>
    const other = await serveCouncil(settings, 'api')
    onTestFinished(other.kill)
    expect(codeOf(await receiptAt(requestId, authorized, other))).toEqual([503, 'receipt_unsigned'])
  })

  test('if its calls do not add up to the cost that the answer states', async () => {
    const requestId = newId()
    await scene.log.execute(Misstate, { requestId })
    const refused = await receiptAt(requestId)
    expect(codeOf(refused)).toEqual([500, 'receipt_differs'])
    expect(refused.body['detail']).toContain('states a cost of 7 µ$')
  })

  test('for parameters that it does not know', async () => {
    expect(codeOf(await apiGet(scene.council, `/v1/chats/${newId()}/receipt?before=1-1`))).toEqual([
      400,
      'malformed_request',
    ])
  })
})

/** Records an answer that states a cost without any call. */
const Misstate = defineCommand({ chat })({
  name: 'Misstate',
  schema: z.strictObject({ requestId: Uuid7 }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),
  decide: ({ requestId }, _, { now }) => ({
    outcome: 'accepted',
    events: {
      chat: [
        { type: 'PromptSubmitted', data: { requestId, conversationId: requestId, text: 'Why?', submittedAt: now } },
        {
          type: 'AnswerCompleted',
          data: {
            text: 'Because.',
            finishReason: 'stop',
            degraded: false,
            costMicros: 7,
            tokens: { promptTokens: 0, completionTokens: 0 },
            timings: { queuedMs: 0, firstTokenMs: null, totalMs: 0 },
          },
        },
      ],
    },
  }),
})
