import { approval } from '../../commands/aggregates/approval.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { approvalStream } from '../../events/approval.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { seesAllChats, type Identity } from '../access/identity.ts'
import type { FindPrompt } from './find-prompt.ts'

type Hidden = { code: 'approval_unknown' | 'log_unavailable'; message: string }

/**
 * Why an identity may not learn of an approval: it belongs to the prompt of another subject. Null if it may, or if there is none. Which
 * prompt an approval belongs to never changes, so the answer holds for a command that follows.
 */
export async function hiddenApproval(
  { gate, findPrompt }: { gate: Pick<CommandGate, 'load'>; findPrompt: FindPrompt },
  identity: Identity,
  approvalId: Uuid7,
): Promise<Hidden | null> {
  if (seesAllChats(identity)) return null
  const loaded = await gate.load(approval, approvalStream(approvalId)).catch(() => null)
  if (!loaded) return { code: 'log_unavailable', message: 'the log cannot be reached; nothing was done' }
  const resumes = 'resumes' in loaded.state ? loaded.state.resumes : null
  if (resumes === null || (await findPrompt(identity, resumes)).found) return null
  return { code: 'approval_unknown', message: 'approval unknown' }
}
