/** The models of the council's members. */

import { ModelError, unlessModelError, type ModelClient } from './model.ts'
import type { Prices } from './prices.ts'
import type { OpenedModel } from './provider.ts'

export type MemberModels = {
  /** The client of a member's model; the default model without a name. A member whose model is not served fails alone, when it is called. */
  modelOf: (name?: string) => ModelClient
  /** The names, each once. */
  named: readonly string[]
  /** The names that no server serves now. A server that cannot be reached may serve any of them, so they are not reported. */
  unserved: () => Promise<string[]>
}

/** Opens the models that members name. `undefined` among the names is the default model. */
export function memberModels(
  { model, modelOf }: Pick<OpenedModel, 'model' | 'modelOf'>,
  names: readonly (string | undefined)[],
): MemberModels {
  const named = [...new Set(names)].filter((name) => name !== undefined)
  return {
    modelOf: (name) => (name === undefined ? model : modelOf(name)),
    named,
    async unserved() {
      const served = await Promise.all(named.map((name) => isServed(modelOf(name))))
      return named.filter((_, index) => served[index] === false)
    },
  }
}

const isServed = ({ info }: ModelClient): Promise<boolean> =>
  info().then(
    () => true,
    (error: unknown) => {
      if (error instanceof ModelError) return error.code !== 'model_unknown'
      throw error
    },
  )

/** The names of those models that have no price, each once. A model that cannot be reached is checked when it is called. */
export async function unpricedModels(models: readonly ModelClient[], prices: Prices, atMs: number): Promise<string[]> {
  const names = await Promise.all(models.map(({ info }) => info().then(({ model }) => model, unlessModelError)))
  return [...new Set(names)].filter((name) => name !== null && prices.of(name, atMs) === null).map(String)
}
