import { z } from 'zod'
import { isEventOf, type EventOf } from './event.ts'
import { streamNameIn, type StreamName } from './identifiers.ts'

/** The short name of a price, such as `smollm2`. It is stable even if the model is served under several names. */
export const PriceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'a short name in lower case')
  .max(60)
export type PriceName = z.infer<typeof PriceName>

/** Micro-dollars for 1,000 tokens. An integer, like all amounts; never zero, because budgets could not bound a free model. */
export const Rate = z.int().positive().max(1_000_000_000)

export const ModelName = z.string().min(1).max(256)

/** A price as the settings list it. */
export const priceListing = {
  /** `<name>@<in>/<out>`, or `<name>@<in>/<out>/<cached>`: as debits name it. */
  priceRef: z.string().max(300),
  /** In lower case, sorted; absent: every model without a price of its own. */
  models: z.array(ModelName).min(1).max(200).optional(),
  promptMicrosPer1000: Rate,
  cachedPromptMicrosPer1000: Rate,
  completionMicrosPer1000: Rate,
  /** The first day (UTC) on which the price holds; absent: always. */
  validFrom: z.iso.date().optional(),
}

/**
 * `prices/<name>`: the prices under one name. The server appends each price of its settings once, before a call can be charged at it, so
 * that every figure can be computed again from the log alone.
 */
export const priceEvents = {
  PriceListed: {
    version: 1,
    summary:
      'The settings of a worker list a price, in micro-dollars per 1,000 tokens. Of a model the newest price that holds on a day counts. The same price with other models replaces the listing before it. A price that leaves the settings stays listed: debits name it.',
    data: z.strictObject(priceListing),
  },
} as const

export type PriceEvent = EventOf<typeof priceEvents>
export type PriceListing = PriceEvent['data']
export const isPriceEvent = isEventOf(priceEvents)

export const pricesStream = (name: PriceName): StreamName<'prices'> => streamNameIn('prices').parse(`prices/${name}`)

/** Whether two listings are of one price: the later one replaces the other. */
export const isSamePrice = (a: PriceListing, b: PriceListing): boolean =>
  a.priceRef === b.priceRef && a.validFrom === b.validFrom && (a.models === undefined) === (b.models === undefined)

/** Whether two prices cost the same. */
export const haveSameRates = (a: PriceListing, b: PriceListing): boolean =>
  a.promptMicrosPer1000 === b.promptMicrosPer1000 &&
  a.cachedPromptMicrosPer1000 === b.cachedPromptMicrosPer1000 &&
  a.completionMicrosPer1000 === b.completionMicrosPer1000
