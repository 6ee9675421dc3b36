import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import { afterAll, describe, expect, test } from 'vitest'
import { frameScopes } from '../../../src/api/chat/frame-scopes.ts'
import { startApiServer } from '../../support/api-server.ts'

const api = await startApiServer()
afterAll(() => api.server.close())

type Message = { name: string; payload: { properties?: Record<string, { const?: string }>; oneOf?: object[] } }
const document = (await (await fetch(`${api.url}/asyncapi.json`)).json()) as {
  components: { messages: Record<string, Message> }
  operations: Record<string, { messages: object[] }>
}
const messages = Object.keys(document.components.messages)

describe('/asyncapi.json', () => {
  test('is valid AsyncAPI 3.0', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false })
    const isValid = ajv.compile({ ...specs.schemasWithoutId['3.0.0'] } as object)
    expect(isValid(document), JSON.stringify(isValid.errors)).toBe(true)
  })

  test('has every frame of a client', () => {
    const types = messages.flatMap((name) => /^client_(.+)$/.exec(name)?.[1] ?? [])
    expect(types.toSorted()).toEqual(Object.keys(frameScopes).toSorted())
  })

  test('has every frame of the server, each form of it once', () => {
    const types = messages.flatMap((name) => /^server_(.+)$/.exec(name)?.[1] ?? [])
    expect(types).toEqual(expect.arrayContaining(['accepted', 'token', 'completed', 'vote', 'error', 'pong']))
    expect(document.components.messages['server_member']?.payload.oneOf).toHaveLength(3)
    expect(document.operations['send']?.messages).toHaveLength(types.length)
  })
})
