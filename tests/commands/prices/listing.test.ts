import { describe, expect, test } from 'vitest'
import { ListPrice } from '../../../src/commands/prices/list-price.ts'
import type { PriceEvent, PriceListing } from '../../../src/events/prices.ts'
import { given } from '../../support/decider.ts'

const listing: PriceListing = {
  priceRef: 'small@150/600',
  models: ['alias', 'small-model'],
  promptMicrosPer1000: 150,
  cachedPromptMicrosPer1000: 150,
  completionMicrosPer1000: 600,
}
const listed = (changes: Partial<PriceListing> = {}): PriceEvent => ({
  type: 'PriceListed',
  data: { ...listing, ...changes },
})
const listedAgain = (history: PriceEvent[], changes: Partial<PriceListing> = {}) => {
  const command = ListPrice.schema.parse({ name: 'small', ...listing, ...changes })
  return given(ListPrice.aggregates, { prices: history }).when(ListPrice, command)
}

describe('a price', () => {
  test('is listed once', () => {
    listedAgain([]).then({ accepted: { prices: [listed()] } })
    listedAgain([listed(), listed({ validFrom: '2027-01-01' })]).then({ accepted: {} })
  })

  test.each<[string, Partial<PriceListing>]>([
    ['from another day on', { validFrom: '2027-01-01' }],
    ['for other models', { models: ['small-model'] }],
    ['for every model without a price', { models: undefined }],
  ])('is listed again %s', (_, changes) => {
    listedAgain([listed()], changes).thenMatches({ accepted: { prices: [{ type: 'PriceListed' }] } })
  })

  test.each<keyof PriceListing>(['promptMicrosPer1000', 'cachedPromptMicrosPer1000', 'completionMicrosPer1000'])(
    'is refused with another %s under the same reference, whatever its day',
    (rate) => {
      const details = { priceRef: 'small@150/600' }
      listedAgain([listed(), listed({ models: ['other'] })], { [rate]: 151, validFrom: '2027-01-01' }).then({
        refused: 'price_changed',
        details,
      })
    },
  )

  test('must be named by its reference', () => {
    expect(ListPrice.schema.safeParse({ name: 'large', ...listing }).success).toBe(false)
  })
})
