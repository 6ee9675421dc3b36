import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ownFiles, read } from './support/repository.ts'

/** The folders of each layer, as docs/architecture.md describes them. Command areas follow from the event types. */
const folders: Record<string, readonly string[]> = {
  platform: ['config', 'redis', 'postgres', 'process'],
  events: [
    'log',
    ...['append', 'archive', 'clock', 'integrity', 'jobs', 'read', 'restore', 'verify'].map((part) => `log/${part}`),
  ],
  gedi: [],
  commands: ['aggregates', 'gate'],
  projections: ['engine'],
  agents: [
    'council',
    'council/triage',
    'worker',
    'tokens',
    'models',
    'models/vllm',
    'models/embedded',
    'kip',
    'pheromind',
    'tools',
    'scheduler',
  ],
  api: [
    'access',
    'commands',
    'chat',
    'queries',
    'live',
    'log',
    'operations',
    'openai',
    'dashboard',
    'receipts',
    'reference',
  ],
  client: [],
  cli: ['approvals', 'audit', 'log', 'chat', 'gedi', 'receipt', 'serve', 'simulate', 'token'],
}
const testFolders = ['bench', 'chaos', 'contract', 'e2e', 'simulation', 'support', 'vectors', 'events/samples', 'web']

const hasEventTypes = (area: string) => existsSync(`src/events/${area}.ts`)
const commandFiles = ownFiles.filter((file) => /^src\/commands\/(?!aggregates\/|gate\/)[^/]+\//.test(file))
const commandsIn = (file: string) =>
  [...read(file).matchAll(/^export const ([A-Z]\w+) = defineCommand\(/gm)].map(([, name]) => name)
const kebab = (name = '') => name.replaceAll(/(?<=.)[A-Z]/g, '-$&').toLowerCase()

describe('the layout', () => {
  test('has no source folder that docs/architecture.md does not describe', () => {
    const strays = ownFiles.filter((file) => {
      const [, layer = '', folder] = /^src\/([^/]+)\/(?:(.+)\/)?[^/]+$/.exec(file) ?? []
      if (!file.startsWith('src/') || file === 'src/main.ts') return false
      if (folder === undefined) return !(layer in folders)
      return !folders[layer]?.includes(folder) && !(layer === 'commands' && hasEventTypes(folder))
    })
    expect(strays).toEqual([])
  })

  test('has one command per file, and names the file after it; other files of a command folder are helpers without a command', () => {
    expect(commandFiles.length).toBeGreaterThan(10)
    const wrong = commandFiles.filter((file) => {
      const names = commandsIn(file)
      return names.length > 1 || (names.length === 1 && kebab(names[0]) !== basename(file, '.ts'))
    })
    expect(wrong).toEqual([])
  })

  test('has event types for every aggregate, in a file of the same name', () => {
    const aggregates = ownFiles.filter((file) => file.startsWith('src/commands/aggregates/'))
    expect(aggregates.filter((file) => !hasEventTypes(basename(file, '.ts')))).toEqual([])
  })

  test('has each test in a folder that mirrors src/', () => {
    const strays = ownFiles
      .filter((file) => file.startsWith('tests/') && file.split('/').length > 2)
      .map((file) => dirname(file).slice('tests/'.length))
      .filter(
        (folder) => !testFolders.some((own) => `${folder}/`.startsWith(`${own}/`)) && !existsSync(`src/${folder}`),
      )
    expect([...new Set(strays)]).toEqual([])
  })
})
