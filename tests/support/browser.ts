import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type Browser, type BrowserContextOptions, type Page, type WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { adminToken } from './served-council.ts'

/** A page of the dashboard in a browser of its own, as one person sees it. */
export type Visit = {
  page: Page
  /** Everything that the page reported as wrong: errors in its console, violations of its policy, failed scripts. */
  faults: readonly string[]
  /** The addresses outside of the council that the page asked for. */
  strangers: readonly string[]
  /** Cuts every open WebSocket of the page, as a network does. */
  cut: () => Promise<void>
}

/** Playwright does not look in PATH. */
export function chromiumPath(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'chromium'))
    .find((file) => existsSync(file))
  if (found === undefined) throw new Error('chromium is missing; as root, run tests/install-chromium.sh')
  return found
}

type Site = { url: () => string }

/** Debian's Chromium during the tests of a file. Each visit has its own cookies and storage. */
export function browserForTests({ url }: Site) {
  // Checks of accessibility take seconds each.
  vi.setConfig({ testTimeout: 60_000 })
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-gpu'] })
  })
  afterAll(() => browser.close())

  /** Signs in with a token, and opens a path, by default of the site of all visits. */
  async function visit(
    path = '/',
    { token = adminToken, ...options }: BrowserContextOptions & { token?: string } = {},
    site = url(),
  ): Promise<Visit> {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const [faults, strangers]: [string[], string[]] = [[], []]
    const sockets = new Set<WebSocketRoute>()
    await page.routeWebSocket(/\/ws\//, (socket) => {
      const server = socket.connectToServer()
      sockets.add(socket)
      server.onClose(
        (code, reason) =>
          void socket.close({ ...(code !== undefined && { code }), ...(reason !== undefined && { reason }) }),
      )
    })
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(site) && !request.url().startsWith('data:')) strangers.push(request.url())
    })
    await page.goto(`${site}${await ticketPath(site, token)}`)
    await page.goto(`${site}${path}`)
    return { page, faults, strangers, cut: () => cutAll(sockets) }
  }

  async function ticketPath(site: string, token: string): Promise<string> {
    const answer = await fetch(`${site}/v1/tickets`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
    const body = (await answer.json()) as { path: string }
    return body.path
  }
  return { visit }
}

/** Closes sockets with a code that no part of the protocol uses. */
async function cutAll(sockets: Set<WebSocketRoute>): Promise<void> {
  for (const socket of sockets) await socket.close({ code: 3_999 })
  sockets.clear()
}

/** Expects that assistive technology can use the page as it is now, in both themes. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(
      violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ).toEqual([])
  }
}
