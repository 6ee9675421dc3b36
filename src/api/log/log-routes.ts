import type { FastifyInstance } from 'fastify'
import type { Archive } from '../../events/log/archive/archive.ts'
import type { LogReader } from '../../events/log/log.ts'
import { scheduleRoute } from '../queries/schedule.ts'
import { eventRoute, eventsRoute, type EventSources } from './events-route.ts'
import { logRoute } from './log-route.ts'
import { statesRoute } from './states-route.ts'

export type LogSources = EventSources & {
  log: Pick<LogReader, 'read' | 'deadlines' | 'head'>
  archive: Pick<Archive, 'checkpoint'>
}

/** The routes of an auditor: events, the states of aggregates, how far the log is sealed, and the clock's next actions. */
export function logRoutes(server: FastifyInstance, sources: LogSources): void {
  eventsRoute(server, sources)
  eventRoute(server, sources)
  statesRoute(server, sources)
  logRoute(server, sources)
  scheduleRoute(server, sources.log)
}
