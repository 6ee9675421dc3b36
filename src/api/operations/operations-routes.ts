import type { FastifyInstance } from 'fastify'
import type { BackgroundCommand } from './background-command.ts'
import { meRoute } from './me-route.ts'
import { projectionsRoute, rebuildRoute, type ProjectionSources } from './projections-route.ts'
import { verificationRoute } from './verification-route.ts'

export type Operations = ProjectionSources & { verification: BackgroundCommand }

/** The routes for people who operate a council. */
export function operationsRoutes(server: FastifyInstance, operations: Operations): void {
  meRoute(server)
  projectionsRoute(server, operations)
  rebuildRoute(server, operations)
  verificationRoute(server, operations.verification)
}
