import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { checkArchitecture } from './support/architecture.ts'

let planted: string | undefined
afterEach(async () => {
  if (planted !== undefined) await rm(planted, { recursive: true })
  planted = undefined
})

/** A small repository with these files: what each imports. A file that is only imported is empty. */
async function repository(imports: Record<string, string[]>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'architecture-'))
  planted = root
  await symlink(resolve('node_modules'), join(root, 'node_modules'))
  await writeFile(
    join(root, 'tsconfig.json'),
    '{ "compilerOptions": { "module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true } }',
  )
  await writeFile(
    join(root, 'package.json'),
    '{ "type": "module", "dependencies": { "ioredis": "*", "zod": "*", "pg": "*" }, "devDependencies": { "fast-check": "*" } }',
  )
  const imported = Object.values(imports)
    .flat()
    .map((name) => name.replace('type ', ''))
    .filter((name) => name.endsWith('.ts'))
  for (const [file, names] of Object.entries({
    ...Object.fromEntries(imported.map((name) => [name, []])),
    ...imports,
  })) {
    await mkdir(join(root, dirname(file)), { recursive: true })
    await writeFile(join(root, file), [...names.map((name) => statement(file, name)), 'export {}', ''].join('\n'))
  }
  return root
}

function statement(file: string, name: string): string {
  const target = name.replace('type ', '')
  const specifier = target.endsWith('.ts') ? `./${relative(dirname(file), target)}` : target
  return name.startsWith('type ') ? `import type {} from '${specifier}'` : `import '${specifier}'`
}

const rulesBroken = async (imports: Record<string, string[]>) => {
  const { violations } = await checkArchitecture(await repository(imports))
  return [...new Set(violations.map((violation) => violation.split(':')[0]))].toSorted()
}

describe('the architecture', () => {
  test('lets every layer import those to its left, and main all of them', async () => {
    const report = await checkArchitecture(
      await repository({
        'src/events/chat.ts': ['zod', 'src/events/event.ts'],
        'src/events/log/append.ts': ['ioredis', 'src/platform/clock.ts', 'src/events/chat.ts'],
        'src/gedi/borda.ts': ['zod'],
        'src/commands/election/close.ts': ['src/events/chat.ts', 'src/gedi/borda.ts', 'src/commands/decider.ts'],
        'src/commands/chat/fail-answer.ts': ['src/commands/budget/settlement.ts', 'src/commands/aggregates/chat.ts'],
        'src/commands/registry.ts': ['src/commands/election/close.ts', 'src/commands/chat/fail-answer.ts'],
        'src/commands/gate/gate.ts': ['src/events/log/append.ts', 'src/commands/aggregates/chat.ts', 'node:crypto'],
        'src/projections/chats.ts': ['pg', 'src/events/chat.ts'],
        'src/agents/worker.ts': ['src/commands/gate/gate.ts', 'src/projections/chats.ts'],
        'src/api/chat.ts': ['src/agents/worker.ts'],
        'src/client/client.ts': ['type src/api/chat/frames.ts', 'src/client/answer.ts'],
        'src/cli/serve.ts': ['src/api/chat.ts', 'src/client/client.ts'],
        'src/main.ts': ['src/cli/serve.ts', 'src/platform/clock.ts'],
        'tests/chat.test.ts': ['src/api/chat.ts', 'fast-check'],
      }),
    )
    expect(report).toEqual({ violations: [], seen: 21, unseen: [] })
  })

  test.each([
    ['platform that knows events', 'src/platform/a.ts', 'src/events/b.ts', 'platform-imports-only-to-its-left'],
    [
      'commands that know projections',
      'src/commands/gate/gate.ts',
      'src/projections/b.ts',
      'commands-imports-only-to-its-left',
    ],
    [
      'projections that know commands',
      'src/projections/a.ts',
      'src/commands/b.ts',
      'projections-imports-only-to-its-left',
    ],
    [
      'projections that know commands by type alone',
      'src/projections/a.ts',
      'type src/commands/b.ts',
      'projections-imports-only-to-its-left',
    ],
    ['agents that know the api', 'src/agents/a.ts', 'src/api/b.ts', 'agents-imports-only-to-its-left'],
    ['an api that knows the command line', 'src/api/a.ts', 'src/cli/b.ts', 'api-imports-only-to-its-left'],
    ['an api that knows the client', 'src/api/a.ts', 'src/client/b.ts', 'api-imports-only-to-its-left'],
    ['a client with a package', 'src/client/a.ts', 'zod', 'client-runs-in-a-browser'],
    ['a client with a part of Node', 'src/client/a.ts', 'node:fs', 'client-runs-in-a-browser'],
    ['a client that knows the platform', 'src/client/a.ts', 'src/platform/b.ts', 'client-runs-in-a-browser'],
    [
      'a client that runs the schemas of the wire',
      'src/client/a.ts',
      'src/api/chat/frames.ts',
      'client-imports-wire-types-as-types',
    ],
    ['a second composition root', 'src/cli/a.ts', 'src/main.ts', 'one-composition-root'],
    ['an unknown layer', 'src/services/a.ts', 'src/events/b.ts', 'no-file-outside-the-layers'],
    ['an event type with Redis', 'src/events/a.ts', 'ioredis', 'event-types-are-pure'],
    ['an event type that knows the log', 'src/events/a.ts', 'src/events/log/b.ts', 'event-types-are-pure'],
    ['a decider with a clock', 'src/commands/a.ts', 'src/platform/clock.ts', 'deciders-are-pure'],
    ['a decider with files', 'src/commands/a.ts', 'node:fs', 'deciders-are-pure'],
    ['a decider with Postgres', 'src/commands/a.ts', 'pg', 'deciders-are-pure'],
    ['a decider that knows the gate', 'src/commands/a.ts', 'src/commands/gate/gate.ts', 'deciders-are-pure'],
    [
      'a command that imports a command of another folder',
      'src/commands/chat/a.ts',
      'src/commands/treasury/b.ts',
      'command-folders-import-named-helpers',
    ],
    [
      'a command that imports the registry',
      'src/commands/chat/a.ts',
      'src/commands/registry.ts',
      'command-folders-import-named-helpers',
    ],
    [
      'a budget command that imports one of a prompt',
      'src/commands/budget/settlement.ts',
      'src/commands/chat/b.ts',
      'budget-commands-import-no-later-folder',
    ],
    [
      'a treasury command that imports one of a budget, which imports the treasury',
      'src/commands/treasury/incurred-cost.ts',
      'src/commands/budget/settlement.ts',
      'treasury-commands-import-no-later-folder',
    ],
    [
      'an aggregate that imports a command',
      'src/commands/aggregates/a.ts',
      'src/commands/chat/b.ts',
      'aggregates-and-gate-know-no-command',
    ],
    [
      'a gate that imports a command',
      'src/commands/gate/a.ts',
      'src/commands/chat/b.ts',
      'aggregates-and-gate-know-no-command',
    ],
    ['counting with randomness', 'src/gedi/a.ts', 'node:crypto', 'counting-is-pure'],
    ['a source that imports tests', 'src/agents/a.ts', 'tests/support/b.ts', 'nothing-imports-tests'],
    ['a source with a development package', 'src/agents/a.ts', 'fast-check', 'production-needs-no-development-package'],
    ['a source with an undeclared package', 'src/agents/a.ts', 'knip', 'production-needs-no-development-package'],
    ['an import of nothing', 'src/agents/a.ts', 'no-such-package', 'no-unresolvable-import'],
  ])('refuses %s', async (_, from, to, rule) => {
    expect(await rulesBroken({ [from]: [to] })).toContain(rule)
  })

  test('refuses an import cycle', async () => {
    expect(
      await rulesBroken({ 'src/agents/a.ts': ['src/agents/b.ts'], 'src/agents/b.ts': ['src/agents/a.ts'] }),
    ).toEqual(['no-circle'])
  })

  test('reports the files that the tool skipped', async () => {
    const root = await repository({ 'src/agents/a.ts': ['src/cli/b.ts'] })
    const blind = join(root, 'blind.cjs')
    await writeFile(blind, "module.exports = { options: { exclude: { path: '^src/' } } }")
    expect(await checkArchitecture(root, blind)).toEqual({
      violations: [],
      seen: 0,
      unseen: ['src/agents/a.ts', 'src/cli/b.ts'],
    })
  })
})
