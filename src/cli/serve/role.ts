import type { HealthCheck } from '../../api/health.ts'
import type { Config } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Closing } from './closing.ts'
import type { Core } from './core.ts'
import type { openModel } from './open-model.ts'
import type { Part } from './part.ts'
import type { Seating } from '../../agents/council/seating.ts'
import type { Prices } from '../../agents/models/prices.ts'
import type { ProjectionStatus } from '../../projections/engine/projector.ts'
import type { Stores } from './stores.ts'

/** Everything that a role may use. */
export type RoleContext = {
  config: Config
  version: string
  stores: Stores
  core: Core
  prices: Prices
  seating: Seating
  /** May still be opening; null if no role of this process needs a model. */
  model: ReturnType<typeof openModel> | null
  adminToken: string
  /** The checks of the stores and of the roles that have started already. */
  checks: readonly HealthCheck[]
  /** Of the projector of this process; null: it has none. */
  projections: (() => readonly ProjectionStatus[]) | null
  stdout: NodeJS.WritableStream
  closing: Closing
  logger: Logger
}

export type StartedRole = {
  checks?: readonly HealthCheck[]
  /** The rows that the role adds to the table that a start prints. */
  parts?: readonly Part[]
  projections?: () => readonly ProjectionStatus[]
  /** The address for clients on this machine. */
  url?: string
  /** The address for a browser on this machine; on a terminal with a ticket that signs it in once. */
  signInUrl?: string
  /** Rejects when the role can no longer work; the council then ends. */
  failed?: Promise<never>
}

/** A role of a council's process. It registers everything that must be stopped with `closing`. */
export type Role = { name: string; start: (context: RoleContext) => Promise<StartedRole> }
