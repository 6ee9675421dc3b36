import { describe, expect, test } from 'vitest'
import type { ReceivedRequest } from '../support/vllm-stand-in/server.ts'
import { serveForTests } from '../support/test-scene.ts'

const members = ['analyst', 'sceptic', 'pragmatist']
/** The call that is never answered, as `<phase>-<member>`; null: every call is answered. */
let unanswered: string | null = null

/** The call of a request, as `<phase>-<member>`; the chair's call has the id of the request alone. */
const callOf = ({ requestId }: Pick<ReceivedRequest, 'requestId'>): string =>
  /(draft|critique|vote)-[a-z]+$/.exec(requestId)?.[0] ?? 'synthesize'

const scene = serveForTests({
  roles: 'api',
  model: {
    answer(request) {
      const call = callOf(request)
      if (call === unanswered) return { gated: true }
      if (!call.startsWith('vote')) return { tokens: ['Paris', ' is', ' the', ' capital', '.'] }
      // The ballot names the labels in the order in which the judge was shown them.
      const shown = JSON.stringify(request.chat.messages).matchAll(/\[answer ([A-C]) /g)
      return { tokens: [[...new Set([...shown].map(([, label]) => label))].join(' > ')] }
    },
  },
})

describe('a worker that is killed in a deliberation', { timeout: 120_000 }, () => {
  test.each(['draft-sceptic', 'critique-sceptic', 'vote-sceptic', 'synthesize'])(
    'in the call %s is replaced by one that makes only this call again',
    async (name) => {
      unanswered = name
      const before = scene.model.received.length
      const calls = () => scene.model.received.slice(before).map(callOf)
      const doomed = await scene.startWorker()
      const client = await scene.connect()
      const requestId = client.ask({ path: 'full' })
      await expect.poll(calls, { timeout: 30_000 }).toContain(name)
      const [phase = ''] = name.split('-')
      const settled = () =>
        scene.eventsOf(
          requestId,
          { draft: /^DraftProduced$/, critique: /^CritiqueProduced$/, vote: /^BallotCast$/ }[phase] ?? /^$/,
        )
      if (phase !== 'synthesize') await expect.poll(async () => (await settled()).length, { timeout: 30_000 }).toBe(2)
      await doomed.kill()
      unanswered = null
      await scene.startWorker()

      const completed = await client.frame('completed')
      expect(completed).toMatchObject({ text: 'Paris is the capital.', degraded: false })
      expect(client.text()).toBe(completed.text)
      const once = ['draft', 'critique', 'vote'].flatMap((each) => members.map((member) => `${each}-${member}`))
      expect(calls().toSorted()).toEqual([...once, 'synthesize', name].toSorted())

      const [ended, debits, elections] = await Promise.all(
        [/^Answer(Completed|Failed|Cancelled)$/, /^BudgetDebited$/, /^Election(Opened|Decided)$/].map((type) =>
          scene.eventsOf(requestId, type),
        ),
      )
      expect(ended).toHaveLength(1)
      expect(elections).toHaveLength(2)
      expect(debits).toHaveLength(11)
      expect(completed.costMicros).toBe(debits?.reduce((sum, { data }) => sum + Number(data['actualMicros']), 0))
    },
  )
})

describe('cancelling a deliberation', { timeout: 60_000 }, () => {
  test('closes the sockets of all members, and the prompt ends once', async () => {
    unanswered = null
    const before = scene.model.received.length
    await scene.startWorker()
    const client = await scene.connect()
    const gated = members.map(() => scene.model.nextAnswer({ gated: true }))
    const requestId = client.ask({ path: 'full' })
    await Promise.all(gated.map(({ received }) => received))
    client.send({ type: 'cancel', requestId })
    await Promise.all(gated.map(({ disconnected }) => disconnected))
    expect(await client.frame('cancelled')).toMatchObject({ requestId })
    expect(scene.model.received.slice(before)).toHaveLength(3)
  })
})
