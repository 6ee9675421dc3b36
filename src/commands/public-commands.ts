import type { CommandDefinition, ReadSet } from './decider.ts'
import { FreezeAccount } from './treasury/freeze-account.ts'
import { FreezeTreasury } from './treasury/freeze-treasury.ts'
import { OpenAccount } from './treasury/open-account.ts'
import { ReleaseReservation } from './treasury/release-reservation.ts'
import { ReserveFunds } from './treasury/reserve-funds.ts'
import { SetAccountLimits } from './treasury/set-account-limits.ts'
import { SettleReservation } from './treasury/settle-reservation.ts'
import { TransferFunds } from './treasury/transfer-funds.ts'
import { UnfreezeAccount } from './treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from './treasury/unfreeze-treasury.ts'

/** A command that may be called over HTTP. `idField` is a field that callers do not send, since it is the command's id. */
export type PublicCommand = { definition: CommandDefinition<unknown, ReadSet>; idField?: string }

/** Its own schema parses the command before anything else sees it, so that from here on only the two together are used. */
const open = <C, Reads extends ReadSet>(
  definition: CommandDefinition<C, Reads>,
  idField?: string,
): [string, PublicCommand] => [
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
