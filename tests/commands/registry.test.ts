import { glob } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { treasuryStream } from '../../src/events/treasury.ts'
import { aggregateOf, areas } from '../../src/commands/registry.ts'

const root = new URL('../../src/commands/', import.meta.url)
const all = Object.values(areas)
const registered = all.flatMap(({ commands, publicCommands }) => [
  ...commands,
  ...publicCommands.map(({ definition }) => definition),
])

describe('the registry', () => {
  test('has every command under a name of its own', async () => {
    // Made by the registry, because they find other commands in it.
    const defined: string[] = ['RequestApproval', 'EditApproval']
    for await (const file of glob('*/*.ts', { cwd: root, exclude: ['aggregates/**', 'gate/**'] }))
      defined.push(
        ...Object.values((await import(new URL(file, root).href)) as Record<string, unknown>)
          .filter((value) => typeof value === 'object' && value !== null && 'decide' in value)
          .map(() => pascal(basename(file, '.ts'))),
      )
    expect(registered.map(({ name }) => name).toSorted()).toEqual(defined.toSorted())
  })

  test('has every aggregate', async () => {
    const files: string[] = []
    for await (const file of glob('aggregates/*.ts', { cwd: root })) files.push(dirname(file))
    expect(all.flatMap(({ aggregates }) => aggregates)).toHaveLength(files.length)
  })

  test('tells the one stream of the treasury from other streams of its category', () => {
    expect(aggregateOf(treasuryStream)?.category).toBe('governance')
    expect(aggregateOf('governance/other' as typeof treasuryStream)).toBeUndefined()
  })
})

const pascal = (kebab: string): string => kebab.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
