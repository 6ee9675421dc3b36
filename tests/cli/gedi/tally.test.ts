import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { council as cli, emptyDataDir } from '../../support/cli.ts'

const vectorsFile = 'tests/vectors/gedi.jsonl'
type Vector = { id: number; winners: Record<string, number[] | null> }
const vectors = readFileSync(vectorsFile, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)
/** Method → its name in the vectors. */
const inVectors = {
  plurality: 'plurality',
  borda: 'borda_count',
  bucklin: 'bucklin',
  irv: 'irv',
  minimax: 'minimax',
  ranked_pairs: 'ranked_pairs_put',
  schulze: 'schulze',
}

const tally = (method: string, file: readonly string[], stdin: readonly string[] = []) =>
  cli({}, ['gedi', 'tally', '--method', method, ...file, '--json'], {
    stdin: () => Readable.from([stdin.map((line) => `${line}\n`).join('')]),
  })
const election = (changes: object = {}) =>
  JSON.stringify({
    candidates: ['A', 'B', 'C'],
    ballots: [
      ['A', 'B', 'C'],
      ['B', 'C', 'A'],
      ['B', 'A', 'C'],
    ],
    ...changes,
  })

describe('council gedi tally', () => {
  test.each(Object.entries(inVectors))(
    'counts 1,000 profiles under %s as an independent library does',
    async (method, name) => {
      const { code, stderr, json } = await tally(method, [vectorsFile])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const rows = json()
      expect(rows.map(({ id }) => id)).toEqual(vectors.map(({ id }) => id))
      const known = vectors.flatMap(({ id, winners: { [name]: winners } }) => (winners ? [{ id, winners }] : []))
      expect(known.length).toBeGreaterThan(500)
      expect(known.map(({ id }) => rows[id]?.['winners'])).toEqual(
        known.map(({ winners }) => winners.toSorted((a, b) => a - b)),
      )
    },
  )

  test.each([['-'], []])('reads stdin with the file argument "%s"', async (...file) => {
    const { code, json } = await tally('ranked_pairs', file, [election(), '', election({ id: 'second' })])
    expect(code).toBe(0)
    expect(json()).toEqual([
      {
        winners: ['B'],
        order: [['B'], ['A'], ['C']],
        tally: { A: 1, B: 2, C: 0 },
        trace: expect.arrayContaining([expect.stringContaining('B')]) as unknown,
        rejected: [],
      },
      expect.objectContaining({ id: 'second', winners: ['B'] }),
    ])
  })

  test('weighs ballots, and reports the invalid ones', async () => {
    const { json } = await tally(
      'plurality',
      [],
      [
        election({ weights: [5, 1, 1] }),
        election({
          ballots: [
            ['A', 'B', 'C'],
            ['A', 'A', 'B'],
            ['A', 'D', 'B'],
          ],
        }),
      ],
    )
    expect(json()).toMatchObject([
      { winners: ['A'], tally: { A: 5, B: 2, C: 0 } },
      {
        rejected: [
          { ballot: 1, reason: 'repeated_candidate' },
          { ballot: 2, reason: 'unknown_candidate' },
        ],
      },
    ])
  })

  test('draws by --seed where an election has no seed, the same each time', async () => {
    const draw = async (...args: string[]) => {
      const { code, stderr, json } = await tally('random', args, [election(), election({ seed: 'its own' })])
      return { code, stderr, winners: json().map(({ winners }) => winners) }
    }
    expect(await draw()).toMatchObject({ code: 1, stderr: expect.stringContaining('seed_missing') as unknown })
    const drawn = await draw('--seed', 'one')
    expect(drawn).toMatchObject({ code: 0, winners: { length: 2 } })
    expect(await draw('--seed', 'one')).toEqual(drawn)
    const others = await Promise.all(Array.from({ length: 20 }, (_, seed) => draw('--seed', String(seed))))
    expect(new Set(others.map(({ winners }) => String(winners[0])))).toEqual(new Set(['A', 'B', 'C']))
    expect(new Set(others.map(({ winners }) => String(winners[1])))).toEqual(new Set([String(drawn.winners[1])]))
  })

  test.each([
    ['no JSON', '{"candidates":', 'malformed_election'],
    ['a name twice', '{"candidates":["A"],"candidates":["B"],"ballots":[]}', 'malformed_election'],
    ['no ballots', '{"candidates":["A"]}', 'malformed_election'],
    ['candidates of one name', election({ candidates: ['A', 'A'] }), 'candidates_invalid'],
    ['a weight too few', election({ weights: [1] }), 'weights_invalid'],
    ['incomplete ballots', election({ ballots: [['A', 'B']] }), 'incomplete_ballots'],
  ])('reports a line with %s by its number, and counts the others', async (_, bad, code) => {
    const run = await tally('borda', ['-'], [election({ id: 1 }), bad, election({ id: 3 })])
    expect(run.code).toBe(1)
    expect(JSON.parse(run.stderr)).toMatchObject({ code, message: expect.stringMatching(/^line 2: /) as unknown })
    expect(run.json().map(({ id }) => id)).toEqual([1, 3])
  })

  test('prints JSON for people too, so that the output can be counted on', async () => {
    const file = join(emptyDataDir(), 'one.jsonl')
    writeFileSync(file, election())
    const { stdout } = await cli({}, ['gedi', 'tally', '--method', 'irv', file])
    expect(JSON.parse(stdout)).toMatchObject({ winners: ['B'] })
  })

  test('refuses a missing file, a folder, an unknown method and none', async () => {
    for (const args of [
      ['borda', join(emptyDataDir(), 'missing')],
      ['borda', emptyDataDir()],
      ['majority', '-'],
    ] as const) {
      const run = await tally(args[0], [args[1]])
      expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('"usage"') as unknown })
    }
    expect(await cli({}, ['gedi', 'tally', '-'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--method') as unknown,
    })
  })
})
