import fc from 'fast-check'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parseSettingsFile } from '../../../src/platform/config/settings-files.ts'
import { allSettings as names, secretSettings } from '../../support/settings.ts'
import { loadConfig, repositoryRoot, type Config, type ConfigProblem } from '../../../src/platform/config/config.ts'
import { Secret } from '../../../src/platform/secret.ts'

type Files = { dotEnv?: string; local?: string; cloud?: string }

/** Loads the settings from a new repository with these files; the home folder has none. */
function load(env: Record<string, string>, { dotEnv, local, cloud }: Files = {}) {
  const root = mkdtempSync(join(tmpdir(), 'config-'))
  mkdirSync(join(root, 'config'))
  if (dotEnv !== undefined) writeFileSync(join(root, '.env'), dotEnv)
  if (local !== undefined) writeFileSync(join(root, 'config/local.env'), local)
  if (cloud !== undefined) writeFileSync(join(root, 'config/cloud.env'), cloud)
  const loaded = loadConfig({ env: { HOME: '/home/ada', ...env }, cwd: root, root, cores: 4 })
  return { root, loaded }
}

function configOf(env: Record<string, string>, files?: Files): Config {
  const { loaded } = load(env, files)
  if (!loaded.ok) throw new Error(`refused: ${JSON.stringify(loaded.problems)}`)
  return loaded.config
}

function problemsOf(env: Record<string, string>, files?: Files): ConfigProblem[] {
  const { loaded } = load(env, files)
  return loaded.ok ? [] : loaded.problems
}

describe('settings', () => {
  test('all have a default that needs no file and no environment', () => {
    const { root, loaded } = load({})
    expect(loaded).toMatchObject({
      ok: true,
      config: {
        councilEnv: 'local',
        server: { host: '127.0.0.1', port: 8787, logLevel: 'info' },
        council: { dataDir: join(root, '.data') },
        stores: { redisUrl: undefined },
        vllm: { urls: [] },
        embeddedModel: { threads: 3, cacheDir: '/home/ada/.cache/hybrid-ai-council/models' },
        answers: { pricesFile: join(root, 'config/prices.json') },
        log: { durability: 'fsync' },
        worker: { leaseMs: 5_000 },
        scheduler: { leaseMs: 10_000 },
      },
    })
  })

  test('come from the environment before .env before the file of the environment, and an empty value is none', () => {
    const files = {
      dotEnv: 'PORT=2\nLOG_LEVEL=\nCOUNCIL_ID=two',
      local: 'PORT=3\nLOG_LEVEL=warn\nCOUNCIL_ID=three\nVLLM_MODEL=m',
    }
    expect(configOf({ COUNCIL_ID: 'one', PORT: '' }, files)).toMatchObject({
      council: { id: 'one' },
      server: { port: 2, logLevel: 'warn' },
      vllm: { model: 'm' },
    })
  })

  test('come from config/cloud.env if COUNCIL_ENV says so, in the environment or in .env', () => {
    const files = { local: 'PORT=1', cloud: 'PORT=2' }
    expect(configOf({ COUNCIL_ENV: 'cloud' }, files)).toMatchObject({ councilEnv: 'cloud', server: { port: 2 } })
    expect(configOf({}, { ...files, dotEnv: 'COUNCIL_ENV=cloud' })).toMatchObject({
      councilEnv: 'cloud',
      server: { port: 2 },
    })
    expect(problemsOf({ COUNCIL_ENV: 'staging' })).toEqual([
      { setting: 'COUNCIL_ENV', problem: 'has a value that is not allowed', allowed: 'local or cloud' },
    ])
  })

  test('that are paths are relative to the repository or the home folder', () => {
    expect(configOf({ DATA_DIR: 'x/y' }).council.dataDir).toMatch(/\/config-[^/]+\/x\/y$/)
    expect(configOf({ DATA_DIR: '/srv/council', MODEL_PATH: '~/m.gguf' })).toMatchObject({
      council: { dataDir: '/srv/council' },
      embeddedModel: { path: '/home/ada/m.gguf' },
    })
    expect(configOf({ XDG_CACHE_HOME: '/cache' }).embeddedModel.cacheDir).toBe('/cache/hybrid-ai-council/models')
  })

  test('may name several model servers, with /v1 or without', () => {
    expect(configOf({ VLLM_URL: 'http://gpu1:8000/v1/, https://gpu2,http://gpu1:8000' }).vllm.urls).toEqual([
      'http://gpu1:8000',
      'https://gpu2',
    ])
  })

  test.each([
    ['HOST', '999.1.1.1'],
    ['HOST', 'no host'],
    ['PORT', '80a'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['COUNCIL_ID', 'Main'],
    ['COUNCIL_ID', 'x'.repeat(33)],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'unix://relative'],
    ['REDIS_EPHEMERAL_URL', 'redis://'],
    ['REDIS_URL', 'redis://a:1,http://b:1'],
    ['REDIS_URL', 'redis://a:1,'],
    ['REDIS_URL', 'redis://a:1,rediss://b:1'],
    ['REDIS_URL', 'redis://:one@a:1,redis://:two@b:1'],
    ['REDIS_URL', 'redis://a:1/2?cluster'],
    ['REDIS_URL', 'unix:///a,unix:///b'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['VLLM_URL', 'http://a,ftp://b'],
    ['VLLM_URL', 'http://user:password@a'],
    ['VLLM_URL', ','],
    ['VLLM_CONCURRENCY', '0'],
    ['MODEL_THREADS', '5'],
    ['DURABILITY', 'everysec'],
    ['HOT_WINDOW_HOURS', '23'],
    ['SEAL_EVERY_EVENTS', '0'],
    ['ADMIN_TOKEN', `${'x'.repeat(40)} y`],
    ['ALLOWED_ORIGINS', 'https://council.example.org/'],
    ['COUNCIL_URL', 'council.example.org'],
    ['LOG_LEVEL', 'loud'],
  ])('with a wrong value are refused by name: %s=%s', (setting, value) => {
    expect(problemsOf({ [setting]: value })).toMatchObject([
      { setting, problem: 'has a value that is not allowed (from the environment)' },
    ])
  })

  test('that are wrong are all reported at once, each with its source and the allowed values', () => {
    expect(
      problemsOf(
        { PORT: 'x', DURABILITY: 'everysec' },
        { dotEnv: 'WORKER_CONCURRENCY=none', local: 'ADMIN_TOKEN=short' },
      ),
    ).toEqual([
      {
        setting: 'PORT',
        problem: 'has a value that is not allowed (from the environment)',
        allowed: 'a whole number from 0 (any free port) to 65535',
      },
      {
        setting: 'DURABILITY',
        problem: 'has a value that is not allowed (from the environment)',
        allowed: 'fsync, archived or memory',
      },
      {
        setting: 'ADMIN_TOKEN',
        problem: 'is shorter than 32 characters (from config/local.env)',
        allowed: '32 or more visible ASCII characters without spaces',
      },
      {
        setting: 'WORKER_CONCURRENCY',
        problem: 'has a value that is not allowed (from .env)',
        allowed: 'a whole number from 1 to 1000',
      },
    ])
  })

  test('with unknown names are refused in the files, and ignored in the environment', () => {
    expect(configOf({ REDIS_ULR: 'x' })).toBeDefined()
    expect(problemsOf({}, { local: '\nREDIS_ULR=redis://localhost' })).toEqual([
      {
        setting: 'REDIS_ULR',
        problem: 'is not a setting (config/local.env line 2)',
        allowed: ['COUNCIL_ENV', ...names].join(', '),
      },
    ])
  })

  test('that a file gives twice, and lines that are not settings, are refused with their line', () => {
    expect(problemsOf({}, { dotEnv: 'PORT=1\nPORT=2\nwhat is this\nHOST="127.0.0.1' })).toMatchObject([
      { setting: '.env', problem: 'line 3 is not a setting' },
      { setting: '.env', problem: 'line 4 is not a setting' },
      { setting: 'PORT', problem: 'is given twice (.env line 2)' },
    ])
  })
})

describe('a council that other machines can reach', () => {
  test.each(['0.0.0.0', '::', 'council.example.org', '192.168.1.7'])('needs an ADMIN_TOKEN: %s', (host) => {
    expect(problemsOf({ HOST: host })).toMatchObject([
      { setting: 'ADMIN_TOKEN', problem: 'is missing, while HOST lets other machines in' },
    ])
    expect(configOf({ HOST: host, ADMIN_TOKEN: 't'.repeat(32) }).server.host).toBe(host)
  })

  test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('is not one on %s', (host) => {
    expect(configOf({ HOST: host }).server.host).toBe(host)
  })
})

describe('a secret', () => {
  const secret = 'hunter2'.repeat(10)
  const env = {
    ADMIN_TOKEN: secret,
    VLLM_API_KEY: secret,
    COUNCIL_TOKEN: secret,
    REDIS_URL: `redis://:${secret}@h`,
    DATABASE_URL: `postgres://u:${secret}@h/d`,
  }

  test('is not printed with the configuration, and can be revealed', () => {
    const config = configOf(env)
    expect(
      inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config) + String(config.access.adminToken),
    ).not.toContain('hunter2')
    expect(config.access.adminToken?.reveal()).toBe(secret)
    expect(config.stores.redisUrl?.reveal()).toBe(`redis://:${secret}@h`)
  })

  test('appears in no problem, whichever setting got it by mistake', () => {
    for (const name of names) {
      for (const value of [secret, `${secret} `, `redis://u:${secret}@h:x`, `"${secret}`, `http://${secret}@h`]) {
        const problems = problemsOf({ [name]: value, PORT: secret }, { dotEnv: `${name}=${value}\n${value}` })
        expect(problems.length).toBeGreaterThan(0)
        expect(JSON.stringify(problems)).not.toContain('hunter2')
      }
    }
  })
})

describe('config/local.env', () => {
  const text = readFileSync(join(repositoryRoot, 'config/local.env'), 'utf8')
  const uncommented = text.replace(/^# (?=[A-Z_]+=)/gm, '')

  test('names every setting, and no other', () => {
    expect(parseSettingsFile(text)).toEqual({ settings: [], brokenLines: [] })
    expect(
      parseSettingsFile(uncommented)
        .settings.map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted())
  })

  test('shows the defaults: removing every # changes nothing', () => {
    // Each call has a root of its own, where these paths start.
    const withoutRoot = ({ council, answers, ...others }: Config) => ({
      ...others,
      council: { ...council, dataDir: '', councilFile: '' },
      answers: { ...answers, pricesFile: '' },
    })
    expect(withoutRoot(configOf({}, { local: uncommented }))).toEqual(withoutRoot(configOf({})))
  })
})

test('config/cloud.env is accepted together with the secrets that it must not contain', () => {
  const cloud = readFileSync(join(repositoryRoot, 'config/cloud.env'), 'utf8')
  expect(configOf({ COUNCIL_ENV: 'cloud', ADMIN_TOKEN: 't'.repeat(32) }, { cloud }).server.host).toBe('0.0.0.0')
})

describe('a settings file', () => {
  const value = fc.string({ unit: fc.constantFrom(...Array.from('aZ0 ./:@#=$-_äß')) })
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('A', 'B_2', '_c'), value).map(([name, text]) => `${name}=${text}`),
    value.map((text) => `# ${text}`),
    fc.constant(''),
  )

  test('is parsed as Node parses it, wherever both accept it', () => {
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        // Node cuts a value at any #, also before a URL's fragment, and takes the next line for the value after `A= `.
        const text = lines.filter((one) => !/\S#|^\w+=\s/.test(one)).join('\n')
        const { settings, brokenLines } = parseSettingsFile(text)
        expect(brokenLines).toEqual([])
        expect(Object.fromEntries(settings.map((setting) => [setting.name, setting.value]))).toEqual({
          ...parseEnv(text),
        })
      }),
    )
  })

  test('accounts for every line of arbitrary text, and refuses it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('aZ_0 \t\0\n\r=#"\'$`\\-ä💰')), minLength: 1 }),
        (text) => {
          const { settings, brokenLines } = parseSettingsFile(text)
          const lines = text.split(/\r?\n/).filter((one) => one.trim() !== '' && !one.trim().startsWith('#'))
          expect(settings.length + brokenLines.length).toBe(lines.length)
          expect(problemsOf({}, { dotEnv: text }).length > 0).toBe(lines.length > 0)
        },
      ),
    )
  })

  test('with arbitrary text for any setting is either refused by that name or gives a value', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.string(), (name, text) => {
        const { loaded } = load({ [name]: text, ADMIN_TOKEN: 't'.repeat(32) })
        if (!loaded.ok) expect(loaded.problems.map(({ setting }) => setting)).toEqual([name])
      }),
    )
  })
})

describe('a secret in a file', () => {
  const token = 'a-token-in-a-file-0123456789-0123456789'
  function fileWith(text: string, mode = 0o600): string {
    const file = join(mkdtempSync(join(tmpdir(), 'secret-')), 'secret')
    writeFileSync(file, text, { mode })
    return file
  }

  test.each(secretSettings)('is the value of %s', (name) => {
    const value = name === 'DATABASE_URL' ? 'postgres://u:p@h/d' : name.startsWith('REDIS') ? 'redis://:p@h:1' : token
    const { councilEnv: _, ...groups } = configOf({ [`${name}_FILE`]: fileWith(`${value}\n`) })
    const settings = Object.values(groups).flatMap((group) => Object.values<unknown>(group))
    expect(settings.filter((setting) => setting instanceof Secret && setting.reveal() === value)).toHaveLength(1)
  })

  test('lets other machines in, as the setting itself does', () => {
    expect(configOf({ HOST: '0.0.0.0', ADMIN_TOKEN_FILE: fileWith(token) }).server.host).toBe('0.0.0.0')
  })

  test.each([
    ['that is missing', () => '/nowhere/at/all', 'names a file that is missing or empty'],
    ['that is empty', () => fileWith('\n'), 'names a file that is missing or empty'],
    [
      'that others may read',
      () => fileWith(token, 0o644),
      'names a file that cannot be read, or that others can read (chmod 600)',
    ],
    [
      'whose name is a secret in the wrong place',
      () => token.repeat(100),
      'names a file that cannot be read, or that others can read (chmod 600)',
    ],
  ])('%s is refused, and its name is not repeated', (_, file, problem) => {
    expect(problemsOf({ ADMIN_TOKEN_FILE: file() })).toEqual([
      {
        setting: 'ADMIN_TOKEN_FILE',
        problem,
        allowed: 'a file that only this user can read, with the value of ADMIN_TOKEN',
      },
    ])
  })

  test('together with the setting itself is refused: one of them is stale', () => {
    expect(problemsOf({ ADMIN_TOKEN: token, ADMIN_TOKEN_FILE: fileWith(token) })).toMatchObject([
      { setting: 'ADMIN_TOKEN_FILE', problem: 'is given, and so is ADMIN_TOKEN' },
    ])
  })

  test('with a value that is not allowed is refused under the name of the setting', () => {
    expect(problemsOf({ ADMIN_TOKEN_FILE: fileWith('short') })).toMatchObject([{ setting: 'ADMIN_TOKEN' }])
  })
})
