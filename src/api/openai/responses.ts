import { comment, readRequest, serverSentEvent, type AnswerHead, type Completed, type Dialect } from './dialect.ts'
import { requestError, type OpenAiError } from './errors.ts'
import { askedBy, readMessages, type Message, type Read } from './messages.ts'
import { responsesParameters } from './parameters.ts'

/** `POST /v1/responses`. */
export const responses: Dialect = {
  route: '/v1/responses',

  read(body) {
    const request = readRequest(body, responsesParameters)
    if (!request.ok) return request
    const { body: fields, ...named } = request.value
    const { input, instructions = null } = fields
    if (instructions !== null && typeof instructions !== 'string')
      return { ok: false, error: requestError('invalid_type', 'instructions', 'instructions must be text') }
    const messages: Read<Message[]> =
      typeof input === 'string' ? { ok: true, value: [{ role: 'user', text: input }] } : readMessages(input, 'input')
    if (!messages.ok) return messages
    const asked = askedBy([{ role: 'system', text: instructions ?? '' }, ...messages.value], 'input')
    if (!asked.ok) return asked
    return { ok: true, value: { ...named, ...asked.value, includesUsage: false, instructions } }
  },

  answer: (head, frame) => ended(head, frame),

  stream(head) {
    let sequence = 0
    let text = ''
    const event = (type: string, fields: object): string =>
      serverSentEvent({ type, sequence_number: sequence++, ...fields }, type)
    const item = { item_id: messageId(head), output_index: 0, content_index: 0 }
    return {
      begin: () =>
        comment('the council answers') +
        event('response.created', { response: response(head, 'in_progress') }) +
        event('response.in_progress', { response: response(head, 'in_progress') }) +
        event('response.output_item.added', {
          output_index: 0,
          item: { ...message(head, 'in_progress', ''), content: [] },
        }) +
        event('response.content_part.added', { ...item, part: textPart('') }),
      text(delta) {
        text += delta
        return event('response.output_text.delta', { ...item, delta, logprobs: [] })
      },
      completed: (frame) =>
        event('response.output_text.done', { ...item, text, logprobs: [] }) +
        event('response.content_part.done', { ...item, part: textPart(text) }) +
        event('response.output_item.done', { output_index: 0, item: message(head, statusOf(frame), text) }) +
        event(`response.${statusOf(frame)}`, { response: ended(head, frame) }),
      failed: ({ code, message: said, param }: OpenAiError) =>
        event('error', { code, message: said, param }) +
        event('response.failed', {
          response: {
            ...response(head, 'failed'),
            error: { code, message: said },
            output: [message(head, 'incomplete', text)],
          },
        }),
    }
  },
}

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed'

const messageId = ({ requestId }: AnswerHead): string => `msg_${requestId}`

const statusOf = ({ finishReason }: Completed): 'completed' | 'incomplete' =>
  finishReason === 'length' ? 'incomplete' : 'completed'

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] })

const message = (head: AnswerHead, status: 'in_progress' | 'completed' | 'incomplete', text: string) => ({
  id: messageId(head),
  type: 'message',
  status,
  role: 'assistant',
  content: [textPart(text)],
})

const response = ({ requestId, createdSeconds, asked: { model, instructions } }: AnswerHead, status: Status) => ({
  id: `resp_${requestId}`,
  object: 'response',
  created_at: createdSeconds,
  status,
  background: false,
  error: null,
  incomplete_details: null,
  instructions,
  max_output_tokens: null,
  metadata: {},
  model,
  output: [] as object[],
  parallel_tool_calls: false,
  previous_response_id: null,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'none',
  tools: [],
  top_p: null,
  truncation: 'disabled',
  usage: null as object | null,
})

const ended = (head: AnswerHead, frame: Completed) => ({
  ...response(head, statusOf(frame)),
  incomplete_details: frame.finishReason === 'length' ? { reason: 'max_output_tokens' } : null,
  output: [message(head, statusOf(frame), frame.text)],
  usage: usageOf(frame),
})

/** The tokens of all models that took part. */
const usageOf = ({ usage: { promptTokens, completionTokens } }: Completed) => ({
  input_tokens: promptTokens,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: completionTokens,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: promptTokens + completionTokens,
})
