import { bounty } from '../../commands/aggregates/bounty.ts'
import { ExpireApproval } from '../../commands/approval/expire-approval.ts'
import { AdvanceBounty } from '../../commands/bounty/advance-bounty.ts'
import { CloseBudgetDay } from '../../commands/budget/close-budget-day.ts'
import type { CommandDefinition, ReadSet } from '../../commands/decider.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { AdvanceAccount } from '../../commands/treasury/advance-account.ts'
import type { StreamName } from '../../events/identifiers.ts'

/** The command that the clock gives to a stream whose deadline has come. It refuses `nothing_due` where nothing is. */
export type ClockAction = {
  definition: CommandDefinition<unknown, ReadSet>
  /** The fields of the command; some depend on the state of the stream. */
  inputOf: (stream: StreamName, gate: Pick<CommandGate, 'load'>) => unknown
}

const action = <C, Reads extends ReadSet>(
  definition: CommandDefinition<C, Reads>,
  inputOf: ClockAction['inputOf'],
): ClockAction => ({ definition: definition as CommandDefinition<unknown, ReadSet>, inputOf })

const idIn = (stream: StreamName): string => stream.slice(stream.indexOf('/') + 1)

/** The clock's action for each category of streams with deadlines. */
const actions: Readonly<Record<string, ClockAction>> = {
  account: action(AdvanceAccount, (stream) => ({ account: idIn(stream) })),
  approval: action(ExpireApproval, (stream) => ({ approvalId: idIn(stream) })),
  bounty: action(AdvanceBounty, async (stream, gate) => {
    const { state } = await gate.load(bounty, stream)
    return { bountyId: idIn(stream), ...(state.status === 'judged' && { worker: state.worker }) }
  }),
  budget: action(CloseBudgetDay, (stream) => ({ budget: stream })),
}

/** Undefined for a category without one. */
export const clockActionOf = (stream: StreamName): ClockAction | undefined =>
  Object.hasOwn(actions, categoryOf(stream)) ? actions[categoryOf(stream)] : undefined

const categoryOf = (stream: StreamName): string => stream.slice(0, stream.indexOf('/'))
