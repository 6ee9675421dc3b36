/** The prices of models, and the cost of a call. */

import { z } from 'zod'
import type { TokenUsage } from './model.ts'

/** Micro-dollars for 1,000 tokens. An integer, like all amounts; never zero, because budgets could not bound a free model. */
const Rate = z.int().positive().max(1_000_000_000)

const PriceEntry = z.strictObject({
  /** Names the price in records. It is stable even if the model is served under several names. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'a short name in lower case')
    .max(60),
  /** Model names as servers report them, case-insensitive. */
  models: z.array(z.string().min(1)).default([]),
  promptMicrosPer1000: Rate,
  completionMicrosPer1000: Rate,
})

const PriceFile = z.strictObject({ default: PriceEntry, prices: z.array(PriceEntry) })

/** The price of a model. `priceRef` identifies it in records: `smollm2@150/600`. */
export type Price = { priceRef: string; promptMicrosPer1000: number; completionMicrosPer1000: number }

/** All prices of this council. `of` falls back to the default price. */
export type Prices = { of: (model: string) => Price }

/**
 * Parses the content of `config/prices.json`. Throws an Error that names the field and its allowed values.
 * A model listed twice is an error: a bill must not depend on the order of a file.
 */
export function parsePrices(content: unknown): Prices {
  const file = PriceFile.safeParse(content)
  if (!file.success) throw new Error(`The prices are wrong: ${z.prettifyError(file.error)}`)
  const byModel = new Map<string, Price>()
  for (const entry of file.data.prices) {
    for (const model of entry.models) {
      const key = model.toLowerCase()
      if (byModel.has(key)) throw new Error(`The prices are wrong: the model ${model} has more than one.`)
      byModel.set(key, toPrice(entry))
    }
  }
  const fallback = toPrice(file.data.default)
  return { of: (model) => byModel.get(model.toLowerCase()) ?? fallback }
}

/**
 * The cost of a call in micro-dollars. The sum of both parts is rounded up, so no use is free.
 * Throws RangeError for counts that are not non-negative integers, or whose cost exceeds the safe integers.
 */
export function costMicros(price: Price, usage: TokenUsage): number {
  const { promptTokens, completionTokens } = usage
  for (const count of [promptTokens, completionTokens]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${count} is not a number of tokens`)
  }
  const thousandths =
    BigInt(promptTokens) * BigInt(price.promptMicrosPer1000) +
    BigInt(completionTokens) * BigInt(price.completionMicrosPer1000)
  const micros = (thousandths + 999n) / 1000n
  if (micros > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`${promptTokens} and ${completionTokens} tokens cost more than can be counted`)
  return Number(micros)
}

const toPrice = ({ name, promptMicrosPer1000, completionMicrosPer1000 }: z.infer<typeof PriceEntry>): Price => ({
  priceRef: `${name}@${promptMicrosPer1000}/${completionMicrosPer1000}`,
  promptMicrosPer1000,
  completionMicrosPer1000,
})
