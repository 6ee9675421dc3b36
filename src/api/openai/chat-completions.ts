import { comment, readRequest, serverSentEvent, type AnswerHead, type Completed, type Dialect } from './dialect.ts'
import { errorBody } from './errors.ts'
import { askedBy, readMessages } from './messages.ts'
import { chatParameters } from './parameters.ts'

/** `POST /v1/chat/completions`. */
export const chatCompletions: Dialect = {
  route: '/v1/chat/completions',

  read(body) {
    const request = readRequest(body, chatParameters)
    if (!request.ok) return request
    const { body: fields, ...named } = request.value
    const messages = readMessages(fields['messages'], 'messages')
    if (!messages.ok) return messages
    const asked = askedBy(messages.value, 'messages')
    if (!asked.ok) return asked
    const includesUsage = named.isStream && asksForUsage(fields['stream_options'])
    return { ok: true, value: { ...named, ...asked.value, includesUsage, instructions: null } }
  },

  answer: (head, frame) => ({
    ...common(head, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: frame.text, refusal: null },
        logprobs: null,
        finish_reason: frame.finishReason,
      },
    ],
    usage: usageOf(frame),
  }),

  stream(head) {
    const { includesUsage } = head.asked
    const chunk = (delta: object, finishReason: string | null): string =>
      serverSentEvent({
        ...common(head, 'chat.completion.chunk'),
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
        ...(includesUsage && { usage: null }),
      })
    const done = 'data: [DONE]\n\n'
    return {
      begin: () => comment('the council answers') + chunk({ role: 'assistant', content: '' }, null),
      text: (content) => chunk({ content }, null),
      completed(frame) {
        const usage = { ...common(head, 'chat.completion.chunk'), choices: [], usage: usageOf(frame) }
        return chunk({}, frame.finishReason) + (includesUsage ? serverSentEvent(usage) : '') + done
      },
      // OpenAI has no finish reason for an answer that breaks off; other servers of its API say `error`.
      failed: (error) =>
        serverSentEvent(errorBody(error)) +
        chunk({}, error.code === 'content_filter' ? 'content_filter' : 'error') +
        done,
    }
  },
}

const common = ({ requestId, createdSeconds, asked: { model } }: AnswerHead, object: string) => ({
  id: `chatcmpl-${requestId}`,
  object,
  created: createdSeconds,
  model,
})

/** The tokens of all models that took part. */
const usageOf = ({ usage: { promptTokens, completionTokens } }: Completed) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
})

const asksForUsage = (options: unknown): boolean =>
  typeof options === 'object' && options !== null && 'include_usage' in options && options.include_usage === true
