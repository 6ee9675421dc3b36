import { z } from 'zod'

/** Integer micro-dollars (1 USD = 1,000,000), never negative, never beyond what a double counts exactly. */
export const Micros = z.int().nonnegative()

/** What a count of tokens is at most; a sum over many calls stops here. */
export const maxTokenCount = 100_000_000

/** Token counts as the model reported them. */
export const TokenCount = z.int().nonnegative().max(maxTokenCount)

/**
 * Where token counts come from. `reported`: by the model. `corrected`: some of its reports contradicted the stream or each other, and
 * the greatest plausible ones count. `unknown`: no plausible report (a crash, or a server that says nothing or nonsense), so the
 * reservation is charged.
 */
export const UsageSource = z.enum(['reported', 'corrected', 'unknown'])
export type UsageSource = z.infer<typeof UsageSource>
