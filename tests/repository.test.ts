import { globSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isPermissive, productionLicences, readLockfile } from './support/licences.ts'
import {
  codesIn,
  deadLinks,
  explainedCodes,
  literalCodesIn,
  occurrences,
  ownFiles,
  read,
  writtenFiles,
} from './support/repository.ts'

const maxLines = 400
const isCode = (file: string) => /^(src|tests|migrations|bench)\/.*\.ts$/.test(file)

// /home/ada is an example in tests and documents. The bracketed letters keep these patterns from matching themselves.
const unfinished = /\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b/
const machinePath = /(^|[\s'"`(=:])\/(w[o]rk|h[o]me(?!\/ada\b)|r[o]ot|U[s]ers)\//
const registryHost = /r[e]gistry\.(npmjs|yarnpkg)|p[y]pi\.org|d[e]b\.debian\.org/

describe('the repository', () => {
  test('is read by these tests', () => {
    expect(ownFiles).toEqual(expect.arrayContaining(['package.json', 'tests/repository.test.ts', '.ci/run']))
    expect(ownFiles.filter(isCode).length).toBeGreaterThan(20)
  })

  test(`has no code file over ${maxLines} lines`, () => {
    const lines = (file: string) => read(file).split('\n').length - 1
    expect(ownFiles.filter((file) => isCode(file) && lines(file) > maxLines)).toEqual([])
  })

  test('names files and folders after what they hold', () => {
    expect(ownFiles.filter((file) => /(^|\/)(utils?|helpers?|common|misc)([./]|$)/i.test(file))).toEqual([])
  })

  test('has no TO-DO marks', () => {
    // Raw results have the texts of models, Roman numerals included.
    const ours = writtenFiles.filter((file) => !file.startsWith('bench/results/'))
    expect(occurrences(unfinished, ours)).toEqual([])
  })

  test('names no path of one machine', () => {
    expect(occurrences(machinePath, writtenFiles)).toEqual([])
  })

  test('names no package registry, so that any mirror can serve it', () => {
    expect(occurrences(registryHost, ownFiles)).toEqual([])
    const withAddress = Object.entries(readLockfile().packages).filter(([, entry]) => entry.resolved?.includes('://'))
    expect(withAddress.map(([path]) => path)).toEqual([])
  })
})

describe('its dependencies', () => {
  test('are all under permissive licences', () => {
    const licences = [...productionLicences()]
    expect(licences.length).toBeGreaterThan(20)
    expect(licences.filter(([, licence]) => !isPermissive(licence))).toEqual([])
  })

  test.each([
    ['MIT', true],
    ['(BSD-2-Clause OR GPL-3.0-only)', true],
    ['MIT AND GPL-3.0-only', false],
    ['LGPL-3.0-or-later', false],
    ['none named', false],
  ])('under %s are permissive: %s', (expression, verdict) => {
    expect(isPermissive(expression)).toBe(verdict)
  })
})

describe('its documents', () => {
  const documents = [...globSync('*.md'), ...globSync('docs/**/*.md')]

  test('have no dead links', () => {
    expect(documents.flatMap(deadLinks)).toEqual([])
  })

  test('explain every stable code, and no other', async () => {
    const sources = ownFiles.filter((file) => /^src\/.*\.ts$/.test(file))
    const codes = new Set((await Promise.all(sources.map(codesIn))).flat())
    const explained = new Set(explainedCodes('docs/errors.md'))
    expect(codes.size).toBeGreaterThan(100)
    expect({
      unexplained: [...codes].filter((code) => !explained.has(code)),
      unlisted: sources.flatMap(literalCodesIn).filter((code) => !codes.has(code)),
      unknown: [...explained].filter((code) => !codes.has(code)),
    }).toEqual({ unexplained: [], unlisted: [], unknown: [] })
  })
})
