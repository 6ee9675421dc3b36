import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { ModelClient } from './model.ts'

/** A source of models: whether the settings ask for it, and how to open a client of it. */
export type ModelProvider = {
  name: string
  isConfigured: (config: Config) => boolean
  /**
   * Opens a client. A model that cannot answer yet is opened too, because it may recover. Returns advice when the provider has no
   * model at all; throws ModelError when the settings must change first.
   */
  open: (context: ProviderContext) => Promise<OpenedModel | { advice: string }>
}

export type ProviderContext = {
  config: Config
  logger: Logger
  /** Reports the current step of the start, with its progress in bytes where that is known. */
  step: (label: string, done?: number, total?: number) => void
  /** Called once the remaining work (a load, a download) no longer occupies this process. */
  onBackground: () => void
  /** What the operator can do, according to the providers that had no model. */
  advice: string
}

export type OpenedModel = {
  /** The default model. Closing it ends the calls of all models. */
  model: ModelClient
  /**
   * The client of the model that is served under a name. Its calls throw ModelError `model_unknown` while no server has the model. It
   * needs no closing.
   */
  modelOf: (name: string) => ModelClient
  kind: 'real' | 'embedded' | 'missing'
  /** Describes the model in a few words, for the start banner and `/health`. */
  what: string
  /** Why the model did not work at start. It may have recovered since. */
  atStart?: string
  /** Why no model is available, and what to do. */
  warning?: string
}
