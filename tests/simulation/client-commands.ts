import { FreezeAccount } from '../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../src/commands/treasury/freeze-treasury.ts'
import type { CommandContext, CommandResult } from '../../src/commands/gate/types.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import type { CommandGate } from '../../src/commands/gate/gate.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { ReleaseReservation } from '../../src/commands/treasury/release-reservation.ts'
import { ReserveFunds } from '../../src/commands/treasury/reserve-funds.ts'
import { SetAccountLimits } from '../../src/commands/treasury/set-account-limits.ts'
import { SettleReservation } from '../../src/commands/treasury/settle-reservation.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeAccount } from '../../src/commands/treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from '../../src/commands/treasury/unfreeze-treasury.ts'
import { AccountId, type Uuid7 } from '../../src/events/identifiers.ts'
import { isoTime } from '../../src/platform/clock.ts'
import type { Random } from './random.ts'

/** A command with its fields, ready for any gate. */
export type ClientCommand = {
  name: string
  /** Whether the gate records its refusal as an event. */
  recordsRefusals: boolean
  of: (gate: CommandGate, context: CommandContext) => Promise<CommandResult>
}

export const commandFor = <C, Reads extends ReadSet>(
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
): ClientCommand => ({
  name: definition.name,
  recordsRefusals: definition.recordsRefusals ?? false,
  of: (gate, context) => gate.execute(definition, input, context),
})

const account = (name: string) => AccountId.parse(name)
const external = account('external')
/** The first two are hot: half of all commands use them. */
const payers = [account('reserve'), account('agent:ada'), account('agent:bob'), account('bounty:moon')] as const
const reason = 'simulated'

/** Opens and funds the accounts before the clients start. */
export const setUpCommands = (): ClientCommand[] => [
  ...[external, ...payers].map((id) => commandFor(OpenAccount, { account: id })),
  commandFor(TransferFunds, { transferId: 'funding', from: external, to: payers[0], amountMicros: 200, reason }),
]

/** A command that no other client sends. */
export const unrelatedCommand = (): ClientCommand =>
  commandFor(TransferFunds, { transferId: 'another', from: external, to: payers[0], amountMicros: 1, reason })

/** A reservation that a client requested; the gate may have refused it. */
export type Promised = { account: AccountId; reservationId: Uuid7 }

/** A random command of the treasury or the chat, most often a transfer. */
export function randomCommand(random: Random, commandId: Uuid7, nowMs: number, promised: Promised[]): ClientCommand {
  const payer = () => (random.happens(0.5) ? payers[random.below(2)] : random.pick(payers)) ?? payers[0]
  const amountMicros = 1 + random.below(80)
  const dice = random.below(100)
  if (dice < 8)
    return commandFor(TransferFunds, { transferId: commandId, from: external, to: payers[0], amountMicros, reason })
  if (dice < 48)
    return commandFor(TransferFunds, { transferId: commandId, from: payer(), to: payer(), amountMicros, reason })
  if (dice < 62) {
    const of = { account: payer(), reservationId: commandId }
    promised.push(of)
    return commandFor(ReserveFunds, {
      ...of,
      amountMicros,
      expiresAt: isoTime(nowMs + random.pick([2_000, 60_000, 3_600_000])),
    })
  }
  const [of] = promised.slice(random.below(promised.length))
  if (of && dice < 74) return commandFor(SettleReservation, { ...of, actualMicros: random.below(120) })
  if (of && dice < 80) return commandFor(ReleaseReservation, of)
  if (dice < 84) return commandFor(FreezeAccount, { account: payer(), reason })
  if (dice < 88) return commandFor(UnfreezeAccount, { account: payer(), reason })
  if (dice < 90) return commandFor(FreezeTreasury, { reason })
  if (dice < 93) return commandFor(UnfreezeTreasury, { reason })
  if (dice < 95)
    return commandFor(SetAccountLimits, { account: payer(), dailyMicros: random.below(400), perActionMicros: 60 })
  return commandFor(SubmitPrompt, { requestId: commandId, text: 'Why is the sky blue?' })
}
