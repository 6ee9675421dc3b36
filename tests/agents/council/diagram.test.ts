import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { councilGraph } from '../../../src/agents/council/orchestrator.ts'
import { memoryPrompt } from '../../support/memory-attempt.ts'
import { councilModel } from '../../support/council-model.ts'
import { councilOf } from '../../support/seating.ts'

test('docs/council.md shows the graph that is compiled', async () => {
  const { dependencies } = await memoryPrompt({ model: councilModel() })
  const graph = await councilGraph({
    ...dependencies,
    ...councilOf(councilModel()),
    earlierTurns: { before: () => Promise.resolve(null), named: () => Promise.resolve(null) },
  }).getGraphAsync()
  expect(readFileSync('docs/council.md', 'utf8')).toContain(graph.drawMermaid({ withStyles: false }).trim())
})
