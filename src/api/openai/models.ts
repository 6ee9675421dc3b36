import type { FastifyInstance, FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { AnswerPath } from '../../events/chat.ts'
import type { Problem } from '../problem.ts'
import { errorOf, requestError, sendError } from './errors.ts'

/** The models of the API: who answers. Null: the council decides. */
const paths: Readonly<Record<string, z.infer<typeof AnswerPath> | null>> = {
  council: null,
  'council-fast': 'fast',
  'council-full': 'full',
}

/** 2026-01-01: clients show the time when a model was made, and a council has none. */
const createdSeconds = 1_767_225_600

const modelOf = (id: string) => ({ id, object: 'model', created: createdSeconds, owned_by: 'hybrid-ai-council' })

/** The path that a model takes, null where the council decides; undefined for an unknown model. */
export const pathOf = (model: string): z.infer<typeof AnswerPath> | null | undefined =>
  Object.hasOwn(paths, model) ? paths[model] : undefined

export const unknownModel = (model: string) =>
  requestError(
    'model_not_found',
    'model',
    `there is no model ${JSON.stringify(model.slice(0, 100))}: use ${Object.keys(paths).join(', ')}`,
  )

/** Sends every problem of these routes in OpenAI's form, those of the server included. */
export const openAiConfig = {
  sendProblem: (reply: FastifyReply, problem: Problem) => sendError(reply, errorOf(problem)),
}

/** `GET /v1/models` and `GET /v1/models/<model>`. */
export function modelRoutes(server: FastifyInstance): void {
  const config = { ...openAiConfig, scope: 'chat:read' } as const
  server.get('/v1/models', { config }, () => ({ object: 'list', data: Object.keys(paths).map(modelOf) }))
  server.get<{ Params: { model: string } }>('/v1/models/:model', { config }, (request, reply) => {
    const { model } = request.params
    return pathOf(model) === undefined ? sendError(reply, unknownModel(model)) : reply.send(modelOf(model))
  })
}
