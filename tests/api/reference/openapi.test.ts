import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, describe, expect, test } from 'vitest'
import { publicCommands } from '../../../src/commands/registry.ts'
import { operations } from '../../../src/api/reference/openapi.ts'
import { startApiServer } from '../../support/api-server.ts'
import { newId } from '../../support/council.ts'
import { adminToken } from '../../support/served-council.ts'
import { bearer } from '../../support/tokens.ts'

const api = await startApiServer()
afterAll(() => api.server.close())

type Documented = {
  security: { token?: string[] }[]
  parameters: { name: string; in: string; required: boolean }[]
  responses: Record<string, unknown>
  operationId: string
}
const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as {
  info: { version: string }
  paths: Record<string, Record<string, Documented>>
  components: { schemas: Record<string, unknown> }
}

/** Routes that only browsers use, and the WebSocket, which /asyncapi.json describes. */
const isForBrowsers = (path: string): boolean => /^\/(login|logout|assets\/:name|ws\/chat)$/.test(path)
const routes = api.routes.filter(
  ({ method, path, config }) =>
    method !== 'HEAD' && config.scope !== 'nothing' && !config.isPage && !isForBrowsers(path),
)
const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
)
/** The route that serves a documented path: all commands have one. */
const routeOf = (path: string): string =>
  path.startsWith('/v1/commands/') ? '/v1/commands/:name' : path.replaceAll(/\{([a-zA-Z]+)\}/g, ':$1')

describe('/openapi.json', () => {
  test('is valid OpenAPI 3.1, and readable without a token', async () => {
    expect(await new Validator().validate(structuredClone(document) as Record<string, unknown>)).toEqual({
      valid: true,
    })
    expect(document.info.version).toBe('0')
  })

  test('has every route of the server that is not for browsers alone, and no other', () => {
    const inDocument = new Set(documented.map(({ method, path }) => `${method} ${routeOf(path)}`))
    expect([...inDocument].toSorted()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted())
  })

  test('has every command', () => {
    const commands = documented.flatMap(({ path }) => /^\/v1\/commands\/(.+)$/.exec(path)?.[1] ?? [])
    expect(commands.toSorted()).toEqual([...publicCommands.keys()].toSorted())
  })

  test('names the scope of every route and command', () => {
    for (const { method, path, operation } of documented) {
      const command = publicCommands.get(path.split('/')[3] ?? '')
      const { config } = routes.find((route) => route.method === method && route.path === routeOf(path)) ?? {}
      const scope = command && path.startsWith('/v1/commands/') ? command.scope : config?.scope
      const expected = config?.isPublic ? undefined : scope === 'any' ? [] : [scope]
      expect([path, operation.security[0]?.token]).toEqual([path, expected])
    }
  })

  test('says of each operation in a sentence what it does, under an id of its own', () => {
    for (const { summary } of operations) expect(summary).toMatch(/^[A-Z][^\n]+\.$/)
    const ids = documented.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('refers only to schemas that it has, each by a name that says what it is', () => {
    const names = Object.keys(document.components.schemas)
    const referred = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)
    expect([...new Set([...referred].map(([, name]) => name))].toSorted()).toEqual(names.toSorted())
    for (const name of names) expect(name).toMatch(/^[A-Z][A-Za-z0-9]+$/)
  })

  test('lets a client leave out the fields that the server fills in', () => {
    const schemas = JSON.stringify(document.paths['/v1/commands/IssueToken'])
    expect(schemas).toContain('"subject"')
    expect(schemas).not.toContain('"tokenId"')
    expect(schemas).not.toContain('"issuers"')
  })

  test('names the parameters that a query takes: one that it does not name is refused', async () => {
    const query = documented.filter(({ method, path }) => method === 'GET' && path.startsWith('/v1/treasury'))
    expect(query.length).toBeGreaterThan(2)
    for (const { path, operation } of query) {
      const address = `${api.url}${path.replace('{id}', 'reserve')}`
      const known = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      expect(known).toContain('after')
      expect((await fetch(`${address}?unknown=1`, { headers: bearer(adminToken) })).status).toBe(400)
      expect((await fetch(`${address}?after=1-1`, { headers: bearer(adminToken) })).status).toBe(503)
    }
  })

  test('requires the key of a command', async () => {
    const { parameters } = document.paths['/v1/commands/FreezeTreasury']?.['post'] ?? { parameters: [] }
    expect(parameters).toMatchObject([{ name: 'Idempotency-Key', in: 'header', required: true }])
    const answer = await fetch(`${api.url}/v1/commands/FreezeTreasury`, {
      method: 'POST',
      headers: { ...bearer(adminToken), 'content-type': 'application/json' },
      body: JSON.stringify({ reason: newId() }),
    })
    expect(answer.status).toBe(400)
  })
})
