import { loading } from '../loaded.ts'
import { faultOf } from '../server.ts'
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

export type Reference = { version: string; endpoints: readonly Endpoint[]; frames: readonly Frame[]; schemas: Schemas }

type OpenApi = {
  info: { version: string }
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  components: { schemas: Schemas }
}
type AsyncApi = { components: { messages: Readonly<Record<string, Frame>>; schemas: Schemas } }

/** What the server says that it takes and gives. */
export const reference = loading<Reference>()

export async function loadReference(): Promise<void> {
  try {
    const [http, socket] = await Promise.all([
      documentAt<OpenApi>('/openapi.json'),
      documentAt<AsyncApi>('/asyncapi.json'),
    ])
    const endpoints = Object.entries(http.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
    )
    const value = {
      version: http.info.version,
      endpoints,
      frames: Object.values(socket.components.messages),
      schemas: { ...http.components.schemas, ...socket.components.schemas },
    }
    reference.value = { state: 'there', value }
  } catch (error) {
    reference.value = { state: 'failed', why: faultOf(error) }
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
