import { costMicros } from '../../agents/models/prices.ts'
import type { Position } from '../../events/identifiers.ts'
import type { CostRow } from '../../projections/costs.ts'
import type { PriceRow } from '../../projections/prices.ts'
import { CliError } from '../failure.ts'
import type { Output } from '../output.ts'
import { count } from './audit-table.ts'

/** A price that calls were charged at. */
type AppliedPrice = {
  priceRef: string
  /** As the log lists it; null in a log from before prices were events. */
  listed: PriceRow | null
  calls: readonly CostRow[]
  /** The calls whose tokens cost another amount at the listed price. A call of unknown usage costs its reservation, so it cannot differ. */
  differing: Position[]
}

/** The prices of calls, in the order of their first call; each figure is computed again from the tokens and the listed price. */
export const appliedPrices = (rows: readonly CostRow[], listings: readonly PriceRow[]): AppliedPrice[] =>
  [...Map.groupBy(rows, (row) => row.price_ref)].map(([priceRef, calls]) => {
    const listed = listings.find((row) => row.price_ref === priceRef) ?? null
    const differing = listed
      ? calls.filter((call) => call.usage !== 'unknown' && costAt(listed, call) !== call.actual_micros)
      : []
    return { priceRef, listed, calls, differing: differing.map(({ position }) => position) }
  })

const costAt = (price: PriceRow, call: CostRow): number => {
  const { prompt_tokens: promptTokens, cached_prompt_tokens: cached, completion_tokens: completionTokens } = call
  const usage = { promptTokens, completionTokens, ...(cached !== null && { cachedPromptTokens: cached }) }
  return costMicros({ priceRef: price.price_ref, ...ratesIn(price) }, usage)
}

const ratesIn = (price: PriceRow) => ({
  promptMicrosPer1000: price.prompt_micros_per_1000,
  cachedPromptMicrosPer1000: price.cached_prompt_micros_per_1000,
  completionMicrosPer1000: price.completion_micros_per_1000,
})

/** Prints the prices of calls; next to a CSV file on stderr. */
export async function printPrices(output: Output, prices: readonly AppliedPrice[], csv: boolean): Promise<void> {
  for (const price of prices) {
    const { priceRef, listed, calls, differing } = price
    const row = {
      kind: 'price',
      priceRef,
      listed: listed && { position: listed.last_position, validFrom: listed.valid_from, ...ratesIn(listed) },
      calls: calls.length,
      costMicros: calls.reduce((sum, call) => sum + call.actual_micros, 0),
      differing,
    }
    if (csv) output.note(formatPrice(price))
    else await output.result(row, () => formatPrice(price))
  }
}

function formatPrice({ priceRef, listed, calls, differing }: AppliedPrice): string {
  const charged = `price  ${priceRef}  ${count(calls.length, 'call')}`
  if (!listed) return `${charged}, not listed in the log`
  const { promptMicrosPer1000, cachedPromptMicrosPer1000, completionMicrosPer1000 } = ratesIn(listed)
  const rates = `${promptMicrosPer1000} in, ${cachedPromptMicrosPer1000} cached, ${completionMicrosPer1000} out, µ$ per 1,000 tokens`
  const verdict = differing.length === 0 ? 'their tokens give the same cost' : `DIFFERS at ${differing.join(', ')}`
  return `${charged}, ${rates}, listed at ${listed.last_position}: ${verdict}`
}

/** Throws CliError `price_differs` for the first call that cost another amount than its tokens at the price that it names. */
export function assertPriced(prices: readonly AppliedPrice[]): void {
  for (const { priceRef, differing } of prices)
    if (differing[0])
      throw new CliError(
        'price_differs',
        `the tokens of the call at ${differing[0]} cost another amount at ${priceRef}`,
      )
}
