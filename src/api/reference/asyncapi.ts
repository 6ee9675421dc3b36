import { z } from 'zod'
import { frameScopes } from '../chat/frame-scopes.ts'
import { chatProtocol, ClientFrame, ServerFrame } from '../chat/frames.ts'
import { chatPath } from '../chat/handshake.ts'
import { jsonSchemaOf, type JsonSchema, type SharedSchemas } from './json-schema.ts'

type Message = { name: string; summary: string; payload: JsonSchema }

/** The WebSocket of the chat as an AsyncAPI 3.0 document, made from the schemas that parse its frames. */
export function asyncApi(version: string): JsonSchema {
  const shared: SharedSchemas = new Map()
  const received = Object.entries(frameScopes).map(([type, scope]) => ({
    name: `client ${type}`,
    summary: scope === null ? 'Needs no scope.' : `Needs the scope ${scope}.`,
    payload: payloadOf(ClientFrame, type, 'input', shared),
  }))
  const sent = frameTypes(ServerFrame).map((type) => ({
    name: `server ${type}`,
    summary: 'From the server.',
    payload: payloadOf(ServerFrame, type, 'output', shared),
  }))
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Hybrid AI Council, the chat',
      version,
      description: `Frames are JSON objects in text messages, under the sub-protocol ${chatProtocol}. docs/protocol.md tells how an answer streams and resumes.`,
    },
    servers: {
      council: {
        host: '{host}',
        protocol: 'ws',
        variables: { host: { default: '127.0.0.1:8787' } },
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: {
      chat: {
        address: chatPath,
        messages: Object.fromEntries([...received, ...sent].map(({ name }) => [keyOf(name), refTo(name)])),
      },
    },
    operations: { receive: operation('receive', received), send: operation('send', sent) },
    components: {
      messages: Object.fromEntries([...received, ...sent].map((message) => [keyOf(message.name), message])),
      schemas: Object.fromEntries(shared),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

const keyOf = (name: string): string => name.replaceAll(' ', '_')
const refTo = (name: string) => ({ $ref: `#/components/messages/${keyOf(name)}` })

const operation = (action: 'send' | 'receive', messages: readonly Message[]): JsonSchema => ({
  action,
  channel: { $ref: '#/channels/chat' },
  messages: messages.map(({ name }) => ({ $ref: `#/channels/chat/messages/${keyOf(name)}` })),
})

/** The forms of a frame: each object of a union, also of one inside it. */
const formsOf = (frames: z.ZodType): z.ZodObject[] =>
  frames instanceof z.ZodDiscriminatedUnion
    ? frames.options.flatMap((option) => formsOf(option as z.ZodType))
    : frames instanceof z.ZodObject
      ? [frames]
      : []

function typesOf(form: z.ZodObject): string[] {
  const type: unknown = form.shape['type']
  return type instanceof z.ZodLiteral ? [...type.values].map(String) : []
}

const frameTypes = (frames: z.ZodType): string[] => [...new Set(formsOf(frames).flatMap(typesOf))]

function payloadOf(frames: z.ZodType, type: string, io: 'input' | 'output', shared: SharedSchemas): JsonSchema {
  const forms = formsOf(frames).filter((form) => typesOf(form).includes(type))
  const schemas = forms.map((form) => jsonSchemaOf(form, io, shared))
  return schemas.length === 1 && schemas[0] ? schemas[0] : { oneOf: schemas }
}
