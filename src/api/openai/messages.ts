import { z } from 'zod'
import {
  maxEarlierTurns,
  maxGivenCharacters,
  maxPromptCharacters,
  type GivenContext,
  type Turn,
} from '../../events/chat.ts'
import { requestError, type OpenAiError } from './errors.ts'

/** A question with the conversation before it. */
export type Asked = { question: string; context: GivenContext | null }
export type Read<Value> = { ok: true; value: Value } | { ok: false; error: OpenAiError }

export type Message = { role: 'system' | 'user' | 'assistant'; text: string }

const Part = z.looseObject({ type: z.string(), text: z.string().optional() })
const textParts = ['text', 'input_text', 'output_text']
/** `name` only tells speakers apart; everything else would change what the message says. */
const RawMessage = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(Part), z.null()]).optional(),
  tool_calls: z.array(z.unknown()).nullish(),
})
const roles: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
}

/** Reads the messages of a request, under the name of its parameter. */
export function readMessages(raw: unknown, param: string): Read<Message[]> {
  if (raw === undefined || raw === null) return fault('missing_required_parameter', param, `${param} is missing`)
  if (!Array.isArray(raw)) return fault('invalid_type', param, `${param} must be a list of messages`)
  const messages: Message[] = []
  for (const [index, one] of raw.entries()) {
    const read = readMessage(one, `${param}[${index}]`)
    if (!read.ok) return read
    messages.push(read.value)
  }
  return { ok: true, value: messages }
}

function readMessage(raw: unknown, param: string): Read<Message> {
  const parsed = RawMessage.safeParse(raw)
  if (!parsed.success) return fault('invalid_type', param, `${param} is no message with a role and a content`)
  const { type = 'message', role: named = '', content = '', tool_calls: calls } = parsed.data
  const role = Object.hasOwn(roles, named) ? roles[named] : undefined
  if (type !== 'message' || !role)
    return fault('unsupported_value', param, 'messages are of the system, a developer, the user or the assistant')
  if (calls && calls.length > 0) return fault('unsupported_value', param, 'the council calls no tools')
  const parts = typeof content === 'string' || content === null ? [{ type: 'text', text: content ?? '' }] : content
  const other = parts.find((part) => !textParts.includes(part.type))
  if (other) return fault('unsupported_value', param, `the council reads text only, not ${other.type.slice(0, 50)}`)
  return { ok: true, value: { role, text: parts.map(({ text = '' }) => text).join('') } }
}

/**
 * The last message is the question, the ones before it are the conversation. Messages of one speaker in a row count as one, and
 * empty ones as none. What the system and developers say, wherever it is, becomes the instructions.
 */
export function askedBy(messages: readonly Message[], param: string): Read<Asked> {
  const instructions = textsOf(messages, 'system')
  const spoken = inTurns(messages.filter(({ role, text }) => role !== 'system' && text.trim() !== ''))
  const question = spoken.at(-1)
  if (question?.role !== 'user') return fault('unsupported_value', param, 'the last message must be of the user')
  if (spoken[0]?.role !== 'user') return fault('unsupported_value', param, 'the first message must be of the user')
  if (question.text.trim().length > maxPromptCharacters)
    return fault('context_length_exceeded', param, `the question is longer than ${maxPromptCharacters} characters`)
  const turns: Turn[] = []
  for (let index = 0; index + 2 < spoken.length; index += 2)
    turns.push({ question: spoken[index]?.text ?? '', answer: spoken[index + 1]?.text ?? '' })
  const characters = turns.reduce((sum, turn) => sum + turn.question.length + turn.answer.length, instructions.length)
  if (turns.length > maxEarlierTurns || characters > maxGivenCharacters)
    return fault(
      'context_length_exceeded',
      param,
      `the conversation is longer than ${maxEarlierTurns} turns or ${maxGivenCharacters} characters`,
    )
  const context = { ...(instructions !== '' && { instructions }), turns }
  return {
    ok: true,
    value: { question: question.text, context: instructions === '' && turns.length === 0 ? null : context },
  }
}

const separator = '\n\n'

const textsOf = (messages: readonly Message[], role: Message['role']): string =>
  messages
    .filter((message) => message.role === role && message.text.trim() !== '')
    .map(({ text }) => text)
    .join(separator)

/** Joins the messages of one speaker in a row. */
function inTurns(messages: readonly Message[]): Message[] {
  const turns: Message[] = []
  for (const message of messages) {
    const last = turns.at(-1)
    if (last?.role === message.role) last.text += `${separator}${message.text}`
    else turns.push({ ...message })
  }
  return turns
}

const fault = (...arguments_: Parameters<typeof requestError>) =>
  ({ ok: false, error: requestError(...arguments_) }) as const
