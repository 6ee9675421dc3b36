import { approval, type Approval } from '../../src/commands/aggregates/approval.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import type { CommandResult } from '../../src/commands/gate/types.ts'
import { publicCommands } from '../../src/commands/registry.ts'
import { approvalStream } from '../../src/events/approval.ts'
import { Principal, type Uuid7 } from '../../src/events/identifiers.ts'
import { newId, type TestCouncil } from './council.ts'

type Processes = Pick<TestCouncil, 'gate'>

/** Executes a public command by its name, as the HTTP API does for this subject. */
export function as({ gate }: Processes, subject: string) {
  return (name: string, fields: object = {}, commandId = newId()): Promise<CommandResult> => {
    const command: { definition: CommandDefinition<unknown, ReadSet> } | undefined = publicCommands.get(name)
    if (!command) throw new Error(`there is no command ${name}`)
    const { definition } = command
    const input = definition.idField ? { ...fields, [definition.idField]: commandId } : fields
    return gate.execute(definition, input, { commandId, principal: Principal.parse(subject) })
  }
}

/** The approval that a result waits for. Throws on any other result. */
export function waitingFor(result: CommandResult): Uuid7 {
  if (result.result !== 'approval_required') throw new Error(`expected to wait: ${JSON.stringify(result)}`)
  return result.approvalId
}

/** What became of a command: its result, or the code with which it was refused or rejected. */
export const outcomeOf = (result: CommandResult): string => ('code' in result ? result.code : result.result)

export const approvalState = async ({ gate }: Processes, approvalId: Uuid7): Promise<Approval> =>
  (await gate.load(approval, approvalStream(approvalId))).state
