import { z } from 'zod'

/** An approval as `GET /v1/approvals` shows it. */
export const Approval = z.looseObject({
  approval: z.string(),
  action: z.string(),
  status: z.string(),
  exactArguments: z.string(),
  argumentsHash: z.string(),
  costMicros: z.int(),
  risk: z.string(),
  mode: z.string(),
  why: z.string(),
  requestedBy: z.string(),
  requestedAt: z.string(),
  editedBy: z.string().nullable(),
  requestId: z.string().nullable(),
  expiresAt: z.string(),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  reason: z.string().nullable(),
  outcome: z.string().nullable(),
  outcomeCode: z.string().nullable(),
  positions: z.object({ first: z.string(), last: z.string() }),
})
export type Approval = z.infer<typeof Approval>
