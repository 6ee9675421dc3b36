import { z } from 'zod'
import { haveSameRates, isSamePrice, priceListing, PriceName, pricesStream } from '../../events/prices.ts'
import { prices } from '../aggregates/prices.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Lists a price of the settings, once: changes nothing if the log lists it already. Refused with `price_changed` if the log has the same
 * `priceRef` at other rates, because debits that name it could no longer be computed again.
 */
export const ListPrice = defineCommand({ prices })({
  name: 'ListPrice',
  schema: z
    .strictObject({ name: PriceName, ...priceListing })
    .refine(({ name, priceRef }) => priceRef.startsWith(`${name}@`), 'priceRef must begin with the name'),
  reads: ({ name }) => ({ prices: pricesStream(name) }),

  decide({ name: _, ...listing }, { prices: { listings } }) {
    const { priceRef, models } = listing
    const known = listings.filter((other) => other.priceRef === priceRef)
    if (known.some((other) => !haveSameRates(other, listing))) return refused('price_changed', { priceRef })
    const isListed = known.some((other) => isSamePrice(other, listing) && isSameList(other.models, models))
    return { outcome: 'accepted', events: isListed ? {} : { prices: [{ type: 'PriceListed', data: listing }] } }
  },
})

const isSameList = (a: readonly string[] = [], b: readonly string[] = []): boolean =>
  a.length === b.length && a.every((model, index) => model === b[index])
