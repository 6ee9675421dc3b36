import { z } from 'zod'
import { dayOf } from './day.ts'
import type { EventOf } from './event.ts'
import { streamNameIn } from './identifiers.ts'

/**
 * `refusals/<yyyy-mm-dd>`: refused commands over money, mode and approvals. An append-only stream: it has no state, and an
 * append expects any revision.
 */
export const refusalEvents = {
  CommandRefused: {
    version: 1,
    summary: 'A command was refused; it stays refused under its id.',
    data: z.strictObject({
      command: z.string().max(64),
      code: z.string().max(64),
      details: z.record(z.string().max(64), z.union([z.string().max(500), z.number()])),
    }),
  },
} as const

export type RefusalEvent = EventOf<typeof refusalEvents>

/** The refusals of the day, in UTC. */
export const refusalsStream = (now: string) => streamNameIn('refusals').parse(`refusals/${dayOf(now)}`)
