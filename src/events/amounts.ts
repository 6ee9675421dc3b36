import { z } from 'zod'

/** Integer micro-dollars (1 USD = 1,000,000), never negative, never above the safe integers. */
export const Micros = z.int().nonnegative()

/** An amount that moves: positive for payer and payee; the event type gives the direction. */
export const PositiveMicros = z.int().positive()

/** The limit of a token count; a sum over many calls stops here. */
export const maxTokenCount = 100_000_000

/** A number of tokens. */
export const TokenCount = z.int().nonnegative().max(maxTokenCount)

/**
 * The source of token counts. `reported`: the model. `corrected`: the model's reports contradicted the stream or each other, so the
 * greatest plausible ones count. `unknown`: there is no plausible report (after a crash, or from a faulty server), so the reservation
 * is charged.
 */
export const UsageSource = z.enum(['reported', 'corrected', 'unknown'])
export type UsageSource = z.infer<typeof UsageSource>
