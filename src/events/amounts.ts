import { z } from 'zod'

/** Integer micro-dollars (1 USD = 1,000,000), never negative, never beyond what a double counts exactly. */
export const Micros = z.int().nonnegative()

/** Token counts as the model reported them. */
export const TokenCount = z.int().nonnegative().max(100_000_000)

/** `reported` by the model, or `unknown` (cut off by a crash, or a server that does not say): then the reservation is charged. */
export const UsageSource = z.enum(['reported', 'unknown'])
