import type { FastifyInstance } from 'fastify'
import { asyncApi } from './asyncapi.ts'
import { openApi } from './openapi.ts'

/** `/openapi.json` and `/asyncapi.json`: what the server takes and gives. They tell nothing about a council, so they are public. */
export function referenceRoutes(server: FastifyInstance, version: string): void {
  for (const [path, document] of [
    ['/openapi.json', openApi],
    ['/asyncapi.json', asyncApi],
  ] as const) {
    let text: string | undefined
    server.get(path, { config: { isPublic: true } }, (_request, reply) =>
      reply.type('application/json; charset=utf-8').send((text ??= JSON.stringify(document(version)))),
    )
  }
}
