import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig, repositoryRoot } from '../../src/platform/config/config.ts'
import { allSettings, schema, settingsError } from '../support/settings.ts'
import { startServer, stopChild } from '../support/child.ts'
import { council as cli, emptyDataDir } from '../support/cli.ts'
import { freePort } from '../support/free-port.ts'
import { createDatabaseOn, startPostgres } from '../support/postgres-server.ts'
import { processLine, transcriptOf } from '../support/process-line.ts'
import { startVllmStandIn } from '../support/vllm-stand-in/server.ts'

const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  user: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  read_only: z.boolean().optional(),
  stop_grace_period: z.string().optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
  healthcheck: z.object({ test: z.tuple([z.literal('CMD')], z.string()) }),
  logging: z.object({ options: z.object({ 'max-size': z.string(), 'max-file': z.string() }) }),
})
const Compose = z.object({
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
})
const composed = Compose.parse(parse(readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8'), { merge: true }))
const { services } = composed
const council = services['council']!

/** A value as Compose gives it if the user has set no variables. */
const byDefault = (text: string): string => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1')
const settingsOf = (environment: Record<string, string>) =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, byDefault(value)]))

const run = promisify(execFile)

describe('docker-compose.yml', () => {
  test('has the services of a council, on real servers', () => {
    expect(Object.keys(services)).toEqual(['council', 'redis', 'redis-ephemeral', 'postgres', 'vllm'])
    expect(services['vllm']?.profiles).toEqual(['gpu'])
  })

  test('sets only existing settings of the council, each to an allowed value', () => {
    const given = settingsOf(council.environment)
    expect(Object.keys(given).filter((name) => !allSettings.includes(name))).toEqual([])
    const values = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
    expect(settingsError(values)).toBeUndefined()
  })

  test('mounts each secret that a service names, and contains none', () => {
    const named = new Set<string>()
    for (const { environment, secrets } of Object.values(services)) {
      const files = Object.entries(environment).flatMap(([name, value]) =>
        name.endsWith('_FILE') ? [value.replace('/run/secrets/', '')] : [],
      )
      expect(files.toSorted()).toEqual(secrets.toSorted())
      for (const secret of secrets) named.add(secret)
      expect(Object.keys(environment).filter((name) => /TOKEN$|PASSWORD$|_KEY$/.test(name))).toEqual([])
    }
    expect([...named].toSorted()).toEqual(Object.keys(composed.secrets).toSorted())
  })

  test('publishes only the api, on this machine', () => {
    expect(Object.entries(services).flatMap(([name, { ports }]) => ports.map((port) => [name, port]))).toEqual([
      ['council', '127.0.0.1:8787:8787'],
    ])
  })

  test('pins each image, checks the health of each service, and limits each log', () => {
    for (const { image, healthcheck, logging } of Object.values(services)) {
      expect(image).toMatch(/:v?\d+\.\d+/)
      expect(healthcheck.test.length).toBeGreaterThan(1)
      expect(logging.options['max-size']).toBe('10m')
    }
  })

  test('waits for the servers, uses existing volumes, and runs the council without root on read-only files', () => {
    const dependencies = Object.keys(council.depends_on ?? {})
    expect(dependencies).toHaveLength(3)
    expect(Object.keys(services)).toEqual(expect.arrayContaining(dependencies))
    const volumes = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(':')[0]))
    expect([...new Set(volumes)].toSorted()).toEqual(Object.keys(composed.volumes).toSorted())
    expect(byDefault(council.user ?? '')).toBe('1000:1000')
    expect(council.read_only).toBe(true)
  })

  test('gives the council more time to stop than its own bound', () => {
    const bound = schema.shape.server.shape.shutdownTimeoutMs.parse(undefined)
    expect(Number(/^(\d+)s$/.exec(council.stop_grace_period ?? '')?.[1]) * 1_000).toBeGreaterThan(bound + 2_000)
  })

  test('starts the command of the image, from files that the image contains', () => {
    const dockerfile = readFileSync(join(repositoryRoot, 'Dockerfile'), 'utf8')
    expect(JSON.parse(/^CMD (.*)$/m.exec(dockerfile)?.[1] ?? '')).toEqual(council.command)
    const flags = readFileSync(join(repositoryRoot, 'bin/node-flags'), 'utf8').trim().split(' ')
    expect(council.command).toEqual(['node', ...flags, 'src/main.ts', 'serve'])
    const copied = [...dockerfile.matchAll(/^COPY (?!--)(.*) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '))
    const ignored = readFileSync(join(repositoryRoot, '.dockerignore'), 'utf8').split('\n')
    for (const path of copied) {
      expect(existsSync(join(repositoryRoot, path))).toBe(true)
      expect(ignored).toContain(`!${path}`)
    }
    expect(dockerfile).toContain('\nUSER node\n')
  })
})

describe('the council of docker-compose.yml, on servers started by hand', () => {
  const secrets = emptyDataDir()
  beforeAll(async () => {
    const { uid, gid } = statSync(secrets)
    await run('bash', [join(repositoryRoot, 'bin/compose-secrets'), secrets], {
      env: { ...process.env, COUNCIL_UID: String(uid), COUNCIL_GID: String(gid) },
    })
  })

  /** Starts the Redis of a service with its flags; resolves with its URL. */
  async function redisOf(service: string): Promise<string> {
    const [program = '', ...args] = services[service]?.command ?? []
    const port = await freePort()
    const here = ['--bind', '127.0.0.1', '--port', String(port), '--dir', emptyDataDir()]
    const server = await startServer(
      { command: program, args: [...args, ...here], endSignal: 'SIGTERM' },
      /Ready to accept connections/,
    )
    onTestFinished(() => stopChild(server, 'SIGTERM'))
    return `redis://127.0.0.1:${port}`
  }

  test(
    'starts with the same command and settings, is healthy, answers a prompt, and stops in its time',
    { timeout: 180_000 },
    async () => {
      const postgres = await startPostgres()
      onTestFinished(() => postgres.stop())
      await createDatabaseOn(postgres.url, 'council')
      const vllm = await startVllmStandIn()
      onTestFinished(() => vllm.close())

      // The settings are those of the file, except for addresses, secrets and folders.
      const databaseUrl = new URL(readFileSync(join(secrets, 'database-url'), 'utf8').trim())
      expect([databaseUrl.username, databaseUrl.host, databaseUrl.pathname, databaseUrl.password]).toEqual([
        'council',
        'postgres:5432',
        '/council',
        readFileSync(join(secrets, 'postgres-password'), 'utf8').trim(),
      ])
      databaseUrl.host = new URL(postgres.url).host
      writeFileSync(join(secrets, 'database-url'), databaseUrl.href, { mode: 0o600 })
      const port = await freePort()
      const dataDir = emptyDataDir()
      mkdirSync(join(dataDir, 'data'), { mode: 0o700 })
      const here: Record<string, string> = {
        HOST: '127.0.0.1',
        PORT: String(port),
        DATA_DIR: join(dataDir, 'data'),
        MODEL_CACHE: join(dataDir, 'models'),
        REDIS_URL: await redisOf('redis'),
        REDIS_EPHEMERAL_URL: await redisOf('redis-ephemeral'),
        VLLM_URL: vllm.url,
      }
      const given = settingsOf(council.environment)
      const settings = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, here[name] ?? value.replace('/run/secrets', secrets)]),
      )
      expect(Object.keys(here).filter((name) => !(name in given))).toEqual([])
      expect(loadConfig({ env: settings, cwd: dataDir }).ok).toBe(true)

      const [, ...args] = council.command ?? []
      const child = spawn(process.execPath, args, {
        cwd: repositoryRoot,
        env: { PATH: process.env['PATH'], HOME: dataDir, ...settings },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      transcriptOf(child)
      onTestFinished(() => stopChild(child, 'SIGKILL'))
      await processLine(child, /Ctrl-C stops everything/, 120_000)

      const [, , ...check] = council.healthcheck.test
      const healthy = async (atPort: number) => {
        const atThisPort = check.map((part) => part.replace(':8787/', `:${atPort}/`))
        const [{ status }] = await Promise.allSettled([run(process.execPath, atThisPort)])
        return status === 'fulfilled'
      }
      expect(await healthy(port)).toBe(true)
      expect(await healthy(await freePort())).toBe(false)

      const client = { COUNCIL_URL: `http://127.0.0.1:${port}`, COUNCIL_TOKEN_FILE: join(secrets, 'admin-token') }
      const asked = await cli(client, ['chat', 'What is the capital of France?'])
      expect(asked).toMatchObject({ code: 0, stderr: expect.stringContaining('fast path') })
      expect(asked.stdout.trim()).not.toBe('')
      expect(vllm.received).toHaveLength(1)

      const ended = once(child, 'exit')
      const askedAt = performance.now()
      child.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
      expect(performance.now() - askedAt).toBeLessThan(15_000)
    },
  )
})
