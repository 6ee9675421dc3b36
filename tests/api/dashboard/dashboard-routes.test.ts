import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { bundleDashboard } from '../../../src/api/dashboard/bundle.ts'
import { dashboardRoutes } from '../../../src/api/dashboard/dashboard-routes.ts'

const dashboard = await bundleDashboard()
const server = Fastify()
dashboardRoutes(server, dashboard)
const get = (url: string, headers: Record<string, string> = {}) => server.inject({ url, headers })

describe('the dashboard', () => {
  test('has less than 120 KB to load, compressed', () => {
    const bytes = [dashboard.page, ...dashboard.assets.values()].reduce((sum, { gzipped }) => sum + gzipped.length, 0)
    expect(bytes).toBeLessThan(120_000)
  })

  test('is one page at each of its addresses, under a policy that runs and loads nothing foreign', async () => {
    const pages = await Promise.all(['/', '/chat/0192f0c4-7d3a-7000-8000-000000000000'].map((url) => get(url)))
    for (const page of pages) {
      expect(page.statusCode).toBe(200)
      expect(page.body).toBe(pages[0]?.body)
      expect(page.headers['cache-control']).toBe('no-cache')
      const policy = String(page.headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'")
      expect(policy).not.toContain('unsafe')
    }
  })

  test('names its files by their contents, so that browsers keep them', async () => {
    const { body } = await get('/')
    // Files that a page imports when it needs them are named by other files.
    const texts = [body, ...[...dashboard.assets.values()].map((asset) => asset.body.toString())]
    const named = [...dashboard.assets.keys()]
    expect(named.filter((name) => texts.some((text) => text.includes(name)))).toEqual(named)
    expect([...body.matchAll(/\/assets\/([^"]+)/g)].map(([, name]) => name)).toHaveLength(2)
    for (const name of named) {
      const asset = await get(`/assets/${name}`, { 'accept-encoding': 'gzip' })
      expect(asset.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
      expect(asset.headers['cache-control']).toContain('immutable')
      expect(gunzipSync(asset.rawPayload).toString()).toBe((await get(`/assets/${name}`)).body)
    }
  })

  test('is not sent again to a browser that has it', async () => {
    const { headers } = await get('/')
    expect((await get('/', { 'if-none-match': String(headers.etag) })).statusCode).toBe(304)
  })

  test('has no other file', async () => {
    const answer = await get('/assets/../package.json')
    expect(answer.statusCode).toBe(404)
    expect((await get('/assets/main.js')).json()).toMatchObject({ code: 'not_found' })
  })
})
