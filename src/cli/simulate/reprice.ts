import { costMicros, ratesOf, type Price, type Prices } from '../../agents/models/prices.ts'
import { CliError } from '../failure.ts'
import type { CallFacts, Demand } from './demand.ts'
import type { DemandStep } from './replay.ts'

/** Demand at other prices. `unscaled`: calls whose reservation keeps its amount, because no price of their models is on record. */
type Repriced = { steps: DemandStep[]; unscaled: number }

/**
 * Applies other prices. A settled call costs its tokens at the new price. Of a reservation only the amount is on record, not the tokens
 * that it allows for; it is multiplied by the greater of the two ratios of new to old rates, so it is never too low. A call of unknown
 * usage costs its reservation. Throws CliError `usage` for a model without a new price.
 */
export function repriced({ steps, facts }: Demand, prices: Prices): Repriced {
  const newest = new Map<string, Price>()
  for (const { debit } of facts.values()) {
    const rates = debit && ratesOf(debit.priceRef)
    if (debit && rates) newest.set(debit.model, rates)
  }
  const reserved = new Map<string, number>()
  let unscaled = 0

  function reservationOf({ callId, amountMicros }: { callId: string; amountMicros: number }): number {
    const of = facts.get(callId)
    const ratios = (of?.models ?? []).flatMap((model) => {
      const old = (of?.debit && ratesOf(of.debit.priceRef)) ?? newest.get(model)
      return of && old ? [ratiosOf(old, priceOf(prices, model, of))].flat() : []
    })
    if (ratios.length === 0) unscaled++
    const scaled = ratios.length === 0 ? amountMicros : Math.max(...ratios.map((ratio) => scale(amountMicros, ratio)))
    reserved.set(callId, scaled)
    return scaled
  }

  const changed = steps.map((step): DemandStep => {
    if (step.kind === 'reservation')
      return { ...step, calls: step.calls.map((call) => ({ callId: call.callId, amountMicros: reservationOf(call) })) }
    const of = step.kind === 'debit' ? facts.get(step.callId) : undefined
    if (step.kind !== 'debit' || !of?.debit) return step
    const { usage, promptTokens, cachedPromptTokens, completionTokens, model } = of.debit
    if (usage === 'unknown') return { ...step, actualMicros: reserved.get(step.callId) ?? step.actualMicros }
    const tokens = { promptTokens, ...(cachedPromptTokens !== undefined && { cachedPromptTokens }), completionTokens }
    return { ...step, actualMicros: costMicros(priceOf(prices, model, of), tokens) }
  })
  return { steps: changed, unscaled }
}

function priceOf(prices: Prices, model: string, { at }: CallFacts): Price {
  const price = prices.of(model, Date.parse(at))
  if (price) return price
  throw new CliError('usage', `the prices have none for the model ${model} at ${at}: add it, or a default`)
}

type Ratio = { of: number; to: number }

const ratiosOf = (old: Price, price: Price): Ratio[] => [
  { of: price.promptMicrosPer1000, to: old.promptMicrosPer1000 },
  { of: price.completionMicrosPer1000, to: old.completionMicrosPer1000 },
]

/** Rounded up, as every cost is. */
const scale = (micros: number, { of, to }: Ratio): number =>
  Number((BigInt(micros) * BigInt(of) + BigInt(to) - 1n) / BigInt(to))
