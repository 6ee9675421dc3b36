/** The prices of models, and the cost of a call. */

import { z } from 'zod'
import { ModelName, PriceName, Rate, type PriceListing } from '../../events/prices.ts'
import type { TokenUsage } from './model.ts'

const rates = {
  /** Names the price in records. */
  name: PriceName,
  promptMicrosPer1000: Rate,
  /** The part of the prompt that the server has in its cache; absent: it costs as much as the rest. */
  cachedPromptMicrosPer1000: Rate.optional(),
  completionMicrosPer1000: Rate,
}

const PriceEntry = z.strictObject({
  ...rates,
  /** Model names as servers report them, case-insensitive. */
  models: z.array(ModelName).min(1).max(200),
  /** The first day (UTC) on which the price holds; absent: always. The newest of a model's prices holds. */
  from: z.iso.date().optional(),
})
type PriceEntry = z.infer<typeof PriceEntry>

/** `default`: the price of models that are not listed. Without it, a model without a price is not called. */
const PriceFile = z.strictObject({ default: z.strictObject(rates).optional(), prices: z.array(PriceEntry) })

/** The price of a model. `priceRef` identifies it in records: `smollm2@150/600`, or `smollm2@150/600/15` with cached prompts. */
export type Price = {
  priceRef: string
  promptMicrosPer1000: number
  cachedPromptMicrosPer1000: number
  completionMicrosPer1000: number
}

/** All prices of this council. */
export type Prices = {
  /** The price of a model at a time (milliseconds); null if it has none. */
  of: (model: string, atMs: number) => Price | null
  /** The same prices as the log lists them, with their names; independent of the order of the file. */
  listings: readonly NamedListing[]
}
type NamedListing = PriceListing & { name: PriceName }

/**
 * Parses the content of `config/prices.json`. Throws an Error that names the field and its allowed values.
 * Two prices of one model from the same day are an error: a bill must not depend on the order of a file.
 */
export function parsePrices(content: unknown): Prices {
  const file = PriceFile.safeParse(content)
  if (!file.success) throw new Error(`The prices are wrong: ${z.prettifyError(file.error)}`)
  const byModel = pricesByModel(file.data.prices)
  const fallback = file.data.default ? toPrice(file.data.default) : null
  return {
    of(model, atMs) {
      const valid = byModel.get(model.toLowerCase())?.find(({ fromMs }) => fromMs <= atMs)
      return valid?.price ?? fallback
    },
    listings: listingsOf(file.data),
  }
}

/** Entries of one price with several lists of models are one listing. */
function listingsOf({ default: fallback, prices }: z.infer<typeof PriceFile>): NamedListing[] {
  const entries = prices.map(({ models, from, ...entry }) => ({ models, from, ...entry, price: toPrice(entry) }))
  const grouped = Map.groupBy(entries, ({ price, from = '' }) => `${price.priceRef} ${from}`)
  const listed = [...grouped.values()].flatMap((of): NamedListing[] => {
    const [first] = of
    if (!first) return []
    const { name, price, from } = first
    const models = new Set(of.flatMap((entry) => entry.models.map((model) => model.toLowerCase())))
    return [listing(name, price, [...models].toSorted(), from)]
  })
  return [...listed, ...(fallback ? [listing(fallback.name, toPrice(fallback))] : [])]
}

const listing = (
  name: PriceName,
  { priceRef, promptMicrosPer1000, cachedPromptMicrosPer1000, completionMicrosPer1000 }: Price,
  models?: string[],
  from?: string,
): NamedListing => ({
  name,
  priceRef,
  ...(models && { models }),
  promptMicrosPer1000,
  cachedPromptMicrosPer1000,
  completionMicrosPer1000,
  ...(from !== undefined && { validFrom: from }),
})

/** The prices of each model, the newest first. */
function pricesByModel(entries: readonly PriceEntry[]): Map<string, { fromMs: number; price: Price }[]> {
  const byModel = new Map<string, { fromMs: number; price: Price }[]>()
  for (const { models, from, ...entry } of entries)
    for (const model of models) {
      const fromMs = from === undefined ? -Infinity : Date.parse(from)
      const known = byModel.get(model.toLowerCase()) ?? []
      if (known.some((other) => other.fromMs === fromMs))
        throw new Error(
          `The prices are wrong: the model ${model} has more than one${from === undefined ? '' : ` from ${from}`}.`,
        )
      known.push({ fromMs, price: toPrice(entry) })
      byModel.set(
        model.toLowerCase(),
        known.toSorted((a, b) => b.fromMs - a.fromMs),
      )
    }
  return byModel
}

/**
 * The cost of a call in micro-dollars. The sum of all parts is rounded up, so no use is free.
 * Throws RangeError for counts that are not non-negative integers, for more cached tokens than the prompt has, or for a cost that
 * exceeds the safe integers.
 */
export function costMicros(price: Price, usage: TokenUsage): number {
  const { promptTokens, cachedPromptTokens = 0, completionTokens } = usage
  for (const count of [promptTokens, cachedPromptTokens, promptTokens - cachedPromptTokens, completionTokens]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${count} is not a number of tokens`)
  }
  const thousandths =
    BigInt(promptTokens - cachedPromptTokens) * BigInt(price.promptMicrosPer1000) +
    BigInt(cachedPromptTokens) * BigInt(price.cachedPromptMicrosPer1000) +
    BigInt(completionTokens) * BigInt(price.completionMicrosPer1000)
  const micros = (thousandths + 999n) / 1000n
  if (micros > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`${promptTokens} and ${completionTokens} tokens cost more than can be counted`)
  return Number(micros)
}

/** The rates that a `priceRef` of a record names; null for `none`, and for a text that is none. */
export function ratesOf(priceRef: string): Price | null {
  const [, prompt, completion, cached] = /@(\d+)\/(\d+)(?:\/(\d+))?$/.exec(priceRef) ?? []
  if (prompt === undefined || completion === undefined) return null
  return {
    priceRef,
    promptMicrosPer1000: Number(prompt),
    cachedPromptMicrosPer1000: Number(cached ?? prompt),
    completionMicrosPer1000: Number(completion),
  }
}

const toPrice = ({
  name,
  promptMicrosPer1000,
  cachedPromptMicrosPer1000,
  completionMicrosPer1000,
}: z.infer<z.ZodObject<typeof rates>>): Price => ({
  priceRef: [`${name}@${promptMicrosPer1000}`, completionMicrosPer1000, cachedPromptMicrosPer1000]
    .filter((rate) => rate !== undefined)
    .join('/'),
  promptMicrosPer1000,
  cachedPromptMicrosPer1000: cachedPromptMicrosPer1000 ?? promptMicrosPer1000,
  completionMicrosPer1000,
})
