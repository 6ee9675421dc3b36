import { BaseCheckpointSaver, type CheckpointTuple } from '@langchain/langgraph'
import type { RunnableConfig } from '@langchain/core/runnables'

/** LangGraph interrupts only a graph that has a checkpointer. This one stores nothing: the log has all that a run resumes from. */
export const logCheckpointer = (): BaseCheckpointSaver => new LogCheckpointer()

class LogCheckpointer extends BaseCheckpointSaver {
  override getTuple = (): Promise<CheckpointTuple | undefined> => Promise.resolve(undefined)
  override async *list(): AsyncGenerator<CheckpointTuple> {}
  override put = (config: RunnableConfig): Promise<RunnableConfig> => Promise.resolve(config)
  override putWrites = (): Promise<void> => Promise.resolve()
  override deleteThread = (): Promise<void> => Promise.resolve()
}
