import type { Browser, Page } from 'playwright-core'
import { newUuid7 } from '../src/platform/ids.ts'
import { isQuick } from './harness/arguments.ts'
import { runBenchmark, type Figures } from './harness/benchmark.ts'
import { startChromium } from './harness/chromium.ts'
import { benchToken } from './harness/served-council.ts'
import { spread } from './harness/spread.ts'
import { startPacedModel, startStreamingCouncil } from './harness/streaming-council.ts'

/**
 * `npm run bench:web`: how soon the dashboard paints in Chromium, without a cache, and how soon the page of the log answers a key with
 * 10,000 events loaded, by the browser's own Event Timing (W3C): from the key to the paint after it, in steps of 8 ms.
 */
const visits = isQuick ? 5 : 25
const events = 10_000
const presses = isQuick ? 40 : 200
/** Commands in flight while the log is filled. */
const inFlight = 64

const authorization = `Bearer ${benchToken}`

async function execute(url: string, name: string, fields: object): Promise<void> {
  const answer = await fetch(`${url}/v1/commands/${name}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'idempotency-key': newUuid7() },
    body: JSON.stringify(fields),
  })
  if (answer.status !== 200) throw new Error(`${name}: ${await answer.text()}`)
}

/** Fills the log with events of one account. */
async function fill(url: string): Promise<void> {
  await execute(url, 'OpenAccount', { account: 'agent:bench' })
  let next = 1
  const run = async (): Promise<void> => {
    while (next <= events)
      await execute(url, 'SetAccountLimits', {
        account: 'agent:bench',
        dailyMicros: 1_000_000 + next++,
        perActionMicros: 1,
      })
  }
  await Promise.all(Array.from({ length: inFlight }, run))
}

/** A new browser session that is signed in. */
async function signedIn(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  const answer = await fetch(`${url}/v1/tickets`, { method: 'POST', headers: { authorization } })
  const { path } = (await answer.json()) as { path: string }
  // The sign-in answers with a redirect: nothing of the dashboard may be in the cache.
  await page.request.get(`${url}${path}`, { maxRedirects: 0 })
  return page
}

/** The first contentful paint, in milliseconds since the navigation. */
const paint = `new Promise((resolve) => {
  new PerformanceObserver((list, observer) => {
    const [first] = list.getEntriesByName('first-contentful-paint')
    if (first) { observer.disconnect(); resolve(first.startTime) }
  }).observe({ type: 'paint', buffered: true })
})`

async function firstPaint(browser: Browser, url: string): Promise<number> {
  const page = await signedIn(browser, url)
  await page.goto(url)
  const ms = await page.evaluate<number>(paint)
  await page.context().close()
  return ms
}

const keys = ['ArrowDown', 'PageDown', 'PageDown', 'ArrowDown', 'ArrowUp', 'PageUp', 'Home', 'PageDown', 'End', 'k']

/** The time of each key on the page of the log, in milliseconds. */
async function keyTimes(browser: Browser, url: string): Promise<number[]> {
  const page = await signedIn(browser, url)
  await page.goto(`${url}/log`)
  await page.getByRole('listbox').focus()
  const count = page.locator('.count')
  for (let shown = ''; !/^1\d,\d{3}( newest)? events$/.test(shown); shown = (await count.textContent()) ?? '') {
    await page.keyboard.press('End')
    await page.evaluate('new Promise(requestAnimationFrame)')
  }
  await page.evaluate(`(() => {
    globalThis.keyTimes = []
    new PerformanceObserver((list) => {
      for (const { name, duration } of list.getEntries()) if (name === 'keydown') globalThis.keyTimes.push(duration)
    }).observe({ type: 'event', durationThreshold: 0 })
  })()`)
  for (let press = 0; press < presses; press++) {
    await page.keyboard.press(keys[press % keys.length] ?? 'Home')
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))')
  }
  const times = await page.evaluate<number[]>('globalThis.keyTimes')
  await page.context().close()
  return times
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN

async function measure(dataFolder: string): Promise<Figures> {
  const browser = await startChromium()
  const model = await startPacedModel()
  const council = await startStreamingCouncil(dataFolder, ['api,worker,projector'], model.url, { answers: 8 })
  const url = council.processes[0]?.url ?? ''
  // The first visit is not recorded.
  await firstPaint(browser, url)
  const paints: number[] = []
  for (let visit = 0; visit < visits; visit++) paints.push(await firstPaint(browser, url))
  await fill(url)
  const times = (await keyTimes(browser, url)).toSorted((a, b) => a - b)
  await browser.close()
  await council.stop()
  await model.stop()
  const [p50, p98] = [percentile(times, 0.5), percentile(times, 0.98)]
  console.log(
    `first paint ${spread(paints).median.toFixed(0)} ms; a key p50 ${p50} ms, p98 ${p98} ms of ${times.length}`,
  )
  return {
    settings: { visits, events, presses, keys, chromium: browser.version(), ...council.settings },
    figures: { paints, times },
    ratios: {
      'milliseconds to the first paint': spread(paints),
      'milliseconds from a key to the paint after it, p98': p98,
      'milliseconds from a key to the paint after it, p50': p50,
    },
  }
}

await runBenchmark('web', measure)
