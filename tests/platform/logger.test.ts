import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLogger } from '../../src/platform/logger.ts'
import { PlatformError } from '../../src/platform/platform-error.ts'

type Line = { level: string; msg: string; repeated?: number; err?: { stack?: string; code?: string; message?: string } }

function logged() {
  const lines: Line[] = []
  const logger = createLogger('info', { stream: { write: (text) => void lines.push(JSON.parse(text) as Line) } })
  return { lines, logger }
}

const minuteMs = 60_000

describe('a warning that repeats another one', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is counted, and the count is written once a minute', () => {
    const { lines, logger } = logged()
    for (let request = 0; request < 20_000; request++)
      logger
        .child({ requestId: request })
        .error({ err: new Error('Redis is away'), stream: `chat/${request}` }, 'a frame could not be handled')
    expect(lines).toMatchObject([{ msg: 'a frame could not be handled' }])
    vi.advanceTimersByTime(minuteMs)
    expect(lines.slice(1)).toMatchObject([
      { level: 'error', msg: 'a frame could not be handled (repeated)', repeated: 19_999 },
    ])
    vi.advanceTimersByTime(10 * minuteMs)
    expect(lines).toHaveLength(2)
  })

  test('is written again after a minute without it', () => {
    const { lines, logger } = logged()
    logger.warn('no jobs can be taken')
    vi.advanceTimersByTime(minuteMs)
    logger.warn('no jobs can be taken')
    expect(lines).toHaveLength(2)
  })

  test('is a different one if its error, its code or its connection differs', () => {
    const { lines, logger } = logged()
    logger.warn({ err: new Error('one') }, 'the projection waits')
    logger.warn({ err: new Error('two') }, 'the projection waits')
    logger.warn({ connection: 'a' }, 'redis connection failed')
    logger.warn({ connection: 'b' }, 'redis connection failed')
    logger.error({ fault: { code: 'disk_full' } }, 'a child process ended')
    logger.error({ fault: { code: 'out_of_memory' } }, 'a child process ended')
    expect(lines).toHaveLength(6)
  })

  test('has the level warn or error: information is never merged', () => {
    const { lines, logger } = logged()
    for (let i = 0; i < 3; i++) logger.info('archived events have left Redis')
    expect(lines).toHaveLength(3)
  })
})

describe('an error in the log', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const shutDown = Object.assign(new Error('the database system is shutting down'), { code: '57P03' })

  test.each([
    ['ECONNREFUSED', refused],
    ['57P03', shutDown],
    ['redis_unreachable', new PlatformError('redis_unreachable', 'Redis is not reachable')],
  ])('has no stack if it is an outage: %s', (code, err) => {
    const { lines, logger } = logged()
    logger.warn({ err }, 'it failed')
    expect(lines[0]?.err).toMatchObject({ code, message: err.message })
    expect(lines[0]?.err).not.toHaveProperty('stack')
  })

  test.each([
    new TypeError('undefined is not a function'),
    Object.assign(new Error('wrong argument'), { code: 'ERR_INVALID_ARG_TYPE' }),
    Object.assign(new Error('syntax error'), { code: '42601' }),
  ])('has its stack if it is a defect: %s', (err) => {
    const { lines, logger } = logged()
    logger.warn({ err }, 'it failed')
    expect(lines[0]?.err?.stack).toContain('logger.test.ts')
  })
})

test('a log file is created together with its folders', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'log-')), 'logs', 'council.log')
  const logger = createLogger('info', { file })
  logger.info('a line')
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('a line'))
})
