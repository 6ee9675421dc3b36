/** Fields that the bodies of several queries have. */

import { z } from 'zod'

export const Micros = z.int().meta({ description: 'Integer micro-dollars.' })
export const Count = z.int().nonnegative()
export const Milliseconds = z.number().nonnegative()
/** ISO 8601 in UTC. */
export const Time = z.iso.datetime()
/** The first and the last event that a row comes from. */
export const Positions = z
  .object({ first: z.string(), last: z.string() })
  .meta({ id: 'Positions', description: 'The first and the last event that the figures come from.' })
export const LastPosition = z.string().meta({ description: 'The newest event that the row comes from.' })
