import type { FastifyInstance } from 'fastify'
import type { LogReader } from '../../events/log/log.ts'
import { scheduleRoute } from '../queries/schedule.ts'
import { eventRoute, eventsRoute, type EventSources } from './events-route.ts'
import { statesRoute } from './states-route.ts'

export type LogSources = EventSources & { log: Pick<LogReader, 'read' | 'deadlines' | 'head'> }

/** What an auditor reads: events, the states of aggregates, and the clock's next actions. */
export function logRoutes(server: FastifyInstance, sources: LogSources): void {
  eventsRoute(server, sources)
  eventRoute(server, sources)
  statesRoute(server, sources)
  scheduleRoute(server, sources.log)
}
