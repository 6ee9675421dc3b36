import type { CommandDefinition, ReadSet } from './decider.ts'
import { FreezeAccount } from './freeze-account.ts'
import { FreezeTreasury } from './freeze-treasury.ts'
import { OpenAccount } from './open-account.ts'
import { ReleaseReservation } from './release-reservation.ts'
import { ReserveFunds } from './reserve-funds.ts'
import { SetAccountLimits } from './set-account-limits.ts'
import { SettleReservation } from './settle-reservation.ts'
import { TransferFunds } from './transfer-funds.ts'
import { UnfreezeAccount } from './unfreeze-account.ts'
import { UnfreezeTreasury } from './unfreeze-treasury.ts'

/** A command that may be called over HTTP. `idField` is a field that callers do not send, since it is the command's id. */
export type PublicCommand = { definition: CommandDefinition<unknown, ReadSet>; idField?: string }

/** Its own schema parses the command before anything else sees it, so that from here on only the two together are used. */
const open = <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, idField?: string): [string, PublicCommand] => [
  definition.name,
  { definition: definition as CommandDefinition<unknown, ReadSet>, ...(idField && { idField }) },
]

/** Every command that may be called from outside, by its name. */
export const publicCommands: ReadonlyMap<string, PublicCommand> = new Map([
  open(OpenAccount),
  open(TransferFunds),
  open(ReserveFunds, 'reservationId'),
  open(SettleReservation),
  open(ReleaseReservation),
  open(FreezeAccount),
  open(UnfreezeAccount),
  open(FreezeTreasury),
  open(UnfreezeTreasury),
  open(SetAccountLimits),
])
