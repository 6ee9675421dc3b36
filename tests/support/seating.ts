import { readFileSync } from 'node:fs'
import { parseSeating, type Seating } from '../../src/agents/council/seating.ts'
import type { CouncilDependencies } from '../../src/agents/council/state.ts'
import type { ModelClient } from '../../src/agents/models/model.ts'

/** The seating of `config/council.json`, with changes to its content. */
const seatingWith = (changes: object = {}): Seating =>
  parseSeating({ ...(JSON.parse(readFileSync('config/council.json', 'utf8')) as object), ...changes })

/** The council's own dependencies, with one model for all its members. */
export const councilOf = (
  model: ModelClient,
  changes: object = {},
): Pick<CouncilDependencies, 'modelOf' | 'seating' | 'preview'> => ({
  modelOf: () => model,
  seating: seatingWith(changes),
  preview: () => undefined,
})
