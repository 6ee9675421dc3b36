import type { FrameErrorCode } from './frames.ts'
import type { Position, Uuid7 } from '../../events/identifiers.ts'
import { LogStopped, type EventLog } from '../../events/log/log.ts'
import { firstPositionOf } from '../../projections/chats.ts'
import { promptsOf, type Identity } from '../access/identity.ts'
import type { ReadModelReader } from '../../projections/engine/read-model-reader.ts'

/** The position of a prompt's first event, or the `error` frame that explains why it was not found. */
export type FoundPrompt = { found: true; first: Position } | { found: false; code: FrameErrorCode; message: string }

export type FindPrompt = (identity: Identity, requestId: Uuid7) => Promise<FoundPrompt>

/**
 * Finds the prompts that an identity may see, its own or those of all subjects: own ones of the last day by the log's command ids, others
 * by their read model.
 */
export function promptFinder(log: Pick<EventLog, 'findCommand'>, read: ReadModelReader): FindPrompt {
  return async (identity, requestId) => {
    const { subject } = identity
    try {
      const command = await log.findCommand(subject, requestId)
      if (command) return { found: true, first: command.first }
    } catch (error) {
      if (error instanceof LogStopped) return { found: false, code: 'log_stopped', message: error.message }
      return { found: false, code: 'log_unavailable', message: 'the log cannot be reached' }
    }
    const answer = await firstPositionOf(read, promptsOf(identity), requestId)
    if (answer.outcome === 'unavailable')
      return { found: false, code: 'read_model_unavailable', message: `read models: ${answer.message}` }
    if (answer.outcome === 'behind')
      return { found: false, code: 'read_model_behind', message: 'the read models are not built yet; try again' }
    return answer.result
      ? { found: true, first: answer.result }
      : { found: false, code: 'prompt_unknown', message: 'there is no such prompt' }
  }
}
