import { isSamePrice, type PriceEvent, type PriceListing } from '../../events/prices.ts'
import type { Aggregate } from '../decider.ts'

/** The prices that were listed under one name, each as it was listed last. */
export type Prices = { listings: readonly PriceListing[] }

export const prices: Aggregate<Prices, PriceEvent, 'prices'> = {
  category: 'prices',
  stateVersion: 1,
  initial: { listings: [] },
  evolve: ({ listings }, { data }) => ({
    listings: [...listings.filter((listing) => !isSamePrice(listing, data)), data],
  }),
}
