import { Redis } from 'ioredis'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { processLine } from './process-line.ts'
import { startPostgres, startRedis } from './servers.ts'
import { createDatabase, freshCouncilId, redisUrl } from './shared-servers.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function connect(url: string): Redis {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => undefined)
  cleanUps.push(async () => {
    redis.disconnect()
  })
  return redis
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}

describe('a Redis of its own', () => {
  test('restarts on the same address with its acknowledged data after a kill', async () => {
    const server = await startRedis()
    cleanUps.push(server.stop)
    await connect(server.url).set('k', 'kept')
    await server.kill()
    await expect(connect(server.url).get('k')).rejects.toThrow()
    await server.start()
    expect(await connect(server.url).get('k')).toBe('kept')
  })

  test('leaves no folder after its stop', async () => {
    const server = await startRedis({ appendfsync: 'no' })
    await server.stop()
    expect(existsSync(server.dir)).toBe(false)
  })

  test('reports a port that is taken', async () => {
    const server = await startRedis()
    cleanUps.push(server.stop)
    await expect(startRedis({ port: server.port })).rejects.toThrow(/ended with exit code 1[^]*Address already in use/)
  })
})

describe('a PostgreSQL of its own', () => {
  test('restarts on the same address with its committed data after a crash', async () => {
    const server = await startPostgres()
    cleanUps.push(server.stop)
    await query(server.url, 'create table kept as select 7 as n')
    await server.kill()
    await expect(query(server.url, 'select n from kept')).rejects.toThrow()
    await server.start()
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 7 }])
  })
})

describe('the shared servers', () => {
  test('keep every acknowledged write: fsync is on in both', async () => {
    expect(await connect(redisUrl).config('GET', 'appendfsync')).toEqual(['appendfsync', 'always'])
    expect(await query(await createDatabase(), 'show fsync')).toEqual([{ fsync: 'on' }])
  })

  test('give each caller a database and a council of its own', async () => {
    expect(await createDatabase()).not.toBe(await createDatabase())
    expect(freshCouncilId()).not.toBe(freshCouncilId())
  })
})

describe('waiting for a line of a child', () => {
  const child = (script: string) => spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })

  test('finds a line that was printed before the wait for it began', async () => {
    const talker = child("console.log('one\\ntwo')")
    expect(await processLine(talker, /two/)).toBe('two')
    expect(await processLine(talker, /one/)).toBe('one')
  })

  test('fails with the output when the child ends without it', async () => {
    await expect(processLine(child("console.error('no luck'); process.exit(3)"), /ready/)).rejects.toThrow(
      /ended with exit code 3:\nno luck/,
    )
  })

  test('fails with the output when the deadline passes', async () => {
    const silent = child("console.log('thinking'); setInterval(() => {}, 1000)")
    cleanUps.push(async () => silent.kill('SIGKILL'))
    await processLine(silent, /thinking/)
    await expect(processLine(silent, /ready/, 20)).rejects.toThrow(/within 20 ms:\nthinking/)
  })

  test('fails when the program does not exist', async () => {
    await expect(processLine(spawn('/no/such/program'), /ready/)).rejects.toThrow(/could not be started/)
  })
})
