import { CancelPrompt } from '../../commands/chat/cancel-prompt.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import { Uuid7, type Principal } from '../../events/identifiers.ts'

/** Cancels a prompt for its user. If it waits for a person, the approval is withdrawn with it. */
export async function cancelPrompt(
  { gate, newId }: { gate: CommandGate; newId: () => Uuid7 },
  principal: Principal,
  requestId: Uuid7,
): Promise<CommandResult> {
  const execute = (approvalId?: Uuid7) =>
    gate.execute(
      CancelPrompt,
      { requestId, ...(approvalId && { approvalId }) },
      { commandId: newId(), principal, requestId },
    )
  const result = await execute()
  const waitsFor = Uuid7.safeParse(
    result.result === 'refused' && result.code === 'prompt_paused' && result.details?.['approvalId'],
  )
  return waitsFor.success ? execute(waitsFor.data) : result
}
