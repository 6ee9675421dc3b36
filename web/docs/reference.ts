import { asked, loading } from '../loaded.ts'
import type { Schema, Schemas } from './schema-text.ts'

type Content = Readonly<Record<string, { schema?: Schema }>>

/** An operation of `/openapi.json`. */
export type Operation = {
  operationId: string
  tags: readonly string[]
  summary: string
  security: readonly { token?: readonly string[] }[]
  parameters: readonly {
    name: string
    in: 'path' | 'query' | 'header'
    required: boolean
    description?: string
    schema: Schema
  }[]
  requestBody?: { content: Content }
  responses: Readonly<Record<string, { description: string; content?: Content }>>
}
export type Endpoint = Operation & { method: string; path: string }

/** A frame of `/asyncapi.json`. */
export type Frame = { name: string; summary: string; payload: Schema }

export type Reference = { endpoints: readonly Endpoint[]; frames: readonly Frame[]; schemas: Schemas }

type OpenApi = {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  components: { schemas: Schemas }
}
type AsyncApi = { components: { messages: Readonly<Record<string, Frame>>; schemas: Schemas } }

/** What the server says that it takes and gives. */
export const reference = loading<Reference>()

export const loadReference = async (): Promise<void> => void (reference.value = await asked(read))

async function read(): Promise<Reference> {
  const [http, socket] = await Promise.all([
    documentAt<OpenApi>('/openapi.json'),
    documentAt<AsyncApi>('/asyncapi.json'),
  ])
  const endpoints = Object.entries(http.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
  )
  return {
    endpoints,
    frames: Object.values(socket.components.messages),
    schemas: { ...http.components.schemas, ...socket.components.schemas },
  }
}

async function documentAt<Document>(path: string): Promise<Document> {
  const answer = await fetch(path)
  if (!answer.ok) throw new Error(`the server answered ${answer.status} to ${path}`)
  return (await answer.json()) as Document
}

/** Endpoints whose method, path or summary has every word of a text. */
export function matching(endpoints: readonly Endpoint[], text: string): readonly Endpoint[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return endpoints.filter(({ method, path, summary }) => {
    const said = `${method} ${path} ${summary}`.toLowerCase()
    return words.every((word) => said.includes(word))
  })
}
