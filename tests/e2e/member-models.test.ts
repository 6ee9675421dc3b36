import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { apiGet } from '../support/api-client.ts'
import { connectChat } from '../support/chat-client.ts'
import { openTestCouncil } from '../support/council.ts'
import { serveCouncil } from '../support/served-council.ts'
import { councilSettings, redisUrl } from '../support/shared-servers.ts'
import { vllmServer } from '../support/vllm-client.ts'

/** A price file for these models, and no others. */
async function priceFile(...models: string[]): Promise<string> {
  const path = join(await newFolder(), 'prices.json')
  const price = { name: 'test', models, promptMicrosPer1000: 150, completionMicrosPer1000: 600 }
  await writeFile(path, JSON.stringify({ prices: [price] }))
  return path
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'council-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** A council file whose members use the default model, another one, and one that no server has. */
async function councilFile(): Promise<string> {
  const path = join(await newFolder(), 'council.json')
  const persona = 'You are an expert.'
  const members = [
    { id: 'first', name: 'First', persona },
    { id: 'second', name: 'Second', persona, model: 'small' },
    { id: 'third', name: 'Third', persona, model: 'absent' },
  ]
  await writeFile(path, JSON.stringify({ members, chair: { name: 'Chair', persona, model: 'small' }, quorum: 1 }))
  return path
}

test(
  '/health names each member whose model no server has, what to do, and follows the servers',
  { timeout: 90_000 },
  async () => {
    const [large, small] = [await vllmServer({ model: 'large' }), await vllmServer({ model: 'small' })]
    const council = await serveCouncil(
      await councilSettings({
        VLLM_URL: `${large.url},${small.url}`,
        VLLM_MODEL: 'large',
        COUNCIL_FILE: await councilFile(),
        PRICES_FILE: await priceFile('large', 'small', 'absent'),
      }),
    )
    onTestFinished(() => void council.kill())
    const found = async () => {
      const { body } = await apiGet(council, '/health')
      return (body['checks'] as Record<string, { status: string; output: string }[]>)['models of members']
    }
    expect(await found()).toMatchObject([
      {
        status: 'warn',
        output: expect.stringMatching(
          /models of Third \(absent\), .* VLLM_URL, or change .* config\/council\.json/,
        ) as unknown,
      },
    ])
    expect(await apiGet(council, '/readyz')).toMatchObject({ status: 200 })
    small.setModel('absent', 2048)
    await expect
      .poll(found, { timeout: 20_000 })
      .toMatchObject([
        { status: 'warn', output: expect.stringContaining('the models of Second (small), Chair (small),') as unknown },
      ])
    large.setModel('small', 2048)
    await expect.poll(found, { timeout: 20_000 }).toMatchObject([{ status: 'pass', output: 'small, absent' }])
  },
)

test('each member answers with its own model, and one whose model no server has fails alone', async () => {
  const [large, small] = [await vllmServer({ model: 'large' }), await vllmServer({ model: 'small' })]
  const settings = await councilSettings({
    VLLM_URL: `${large.url},${small.url}`,
    VLLM_MODEL: 'large',
    COUNCIL_FILE: await councilFile(),
    PRICES_FILE: await priceFile('large', 'small'),
  })
  const council = await serveCouncil(settings)
  onTestFinished(() => void council.kill())
  expect(await council.line(/no server serves these models/)).toContain('"models":["absent"]')

  const chat = await connectChat(council.url)
  const requestId = chat.ask({ text: 'How should we plan the harbour?', path: 'full' })
  await chat.frame('completed')
  const log = await openTestCouncil(redisUrl, settings.COUNCIL_ID)
  onTestFinished(log.close)
  const events = (await log.events()).filter(({ metadata }) => metadata.requestId === requestId)
  const debits = events.flatMap(({ type, data }) => (type === 'BudgetDebited' ? [data] : []))
  expect(Object.fromEntries(debits.map(({ member, model }) => [member, model]))).toEqual({
    first: 'large',
    second: 'small',
    chair: 'small',
  })
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'DraftFailed',
      data: expect.objectContaining({ member: 'third', why: 'model_failed' }) as object,
    }),
  )
  expect([large, small].map(({ received }) => new Set(received.map(({ chat: { model } }) => model)))).toEqual([
    new Set(['large']),
    new Set(['small']),
  ])
})
