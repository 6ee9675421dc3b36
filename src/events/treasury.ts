import { z } from 'zod'
import { maxReasonCharacters } from './account.ts'
import type { EventOf } from './event.ts'
import type { StreamName } from './identifiers.ts'

/** `governance/treasury`: the emergency stop over all accounts. Source: seed story 21.1. */
const stop = z.strictObject({ reason: z.string().min(1).max(maxReasonCharacters) })

export const treasuryEvents = {
  TreasuryFrozen: {
    version: 1,
    summary: 'The emergency stop was turned on: no account starts any spending.',
    data: stop,
  },
  TreasuryUnfrozen: { version: 1, summary: 'The emergency stop was turned off.', data: stop },
} as const

export type TreasuryEvent = EventOf<typeof treasuryEvents>

export const treasuryStream = 'governance/treasury' as StreamName<'governance'>
