import { parseArgs } from 'node:util'
import { orderIn, stamped, tokensOf } from '../../../bench/harness/numbered-answer.ts'
import type { AnswerScript } from './script.ts'
import { startVllmStandIn, type ReceivedRequest } from './server.ts'
import { tokenize, wordTokens } from './tokens.ts'

/**
 * The stand-in for vLLM as a program, for load tests and manual experiments:
 *
 *   node tests/support/vllm-stand-in/main.ts [--port 0] [--tokens-per-second 20] [--answer-words 200] [--model smollm2]
 *     [--max-model-len 2048] [--api-key secret] [--orders]
 *
 * `--orders`: a prompt orders its answer, whose tokens have the time at which they were sent (bench/harness/numbered-answer.ts).
 * Prints one JSON line with its URL when it listens, and ends on SIGTERM and SIGINT.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'tokens-per-second': { type: 'string' },
    'answer-words': { type: 'string', default: '200' },
    model: { type: 'string', default: 'smollm2' },
    'max-model-len': { type: 'string', default: '2048' },
    'api-key': { type: 'string' },
    orders: { type: 'boolean', default: false },
  },
})

function number(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  process.stderr.write(`--${name} must be a number from zero, got ${text}\n`)
  process.exit(2)
}

const answerWords = number('answer-words', values['answer-words'])
const tokensPerSecond =
  values['tokens-per-second'] === undefined
    ? {}
    : { tokensPerSecond: number('tokens-per-second', values['tokens-per-second']) }

/** A continued answer starts after the existing words. */
const answer = ({ chat }: ReceivedRequest): AnswerScript => {
  const soFar = chat.continues ? (chat.messages.at(-1)?.content ?? '') : ''
  const question = chat.messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const order = values.orders ? orderIn(question) : null
  if (order) return { tokens: tokensOf(order, soFar), tokensPerSecond: order.perSecond, complete: stamped }
  return { tokens: wordTokens(answerWords, tokenize(soFar).length), ...tokensPerSecond }
}

const server = await startVllmStandIn({
  port: number('port', values.port),
  model: values.model,
  maxModelLen: number('max-model-len', values['max-model-len']),
  answer,
  ...(values['api-key'] === undefined ? {} : { apiKey: values['api-key'] }),
})
process.stdout.write(`${JSON.stringify({ url: server.url, model: values.model })}\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void server.close())
