import { z } from 'zod'

type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
// Zod's own `json()` cannot carry a name through its recursion.
const Json: z.ZodType<Json> = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(z.lazy(() => Json)),
    z.record(
      z.string(),
      z.lazy(() => Json),
    ),
  ])
  .meta({ id: 'Json' })

/** The arguments of an action as a client proposes them. Its command checks them. */
export const GivenArguments = z.record(z.string().max(64), Json)
