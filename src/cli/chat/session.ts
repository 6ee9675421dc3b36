import { ConversationId } from '../../events/identifiers.ts'
import { newUuid7 } from '../../platform/ids.ts'
import { pipedQuestions } from './questions.ts'
import { findServer } from './find-server.ts'
import { terminalQuestions } from './terminal.ts'
import { chat, type ChatOptions } from './chat.ts'
import type { CliContext } from '../context.ts'
import { CliError, failureOf } from '../failure.ts'
import { OutputClosed } from '../output.ts'

/** Failures that end a session. A person at a terminal may start a council meanwhile; piped input ends. */
const endsAll: readonly string[] = ['unauthorized', 'output_failed']
const endsPiped: readonly string[] = [...endsAll, 'no_council', 'connection_lost']

/**
 * `council chat` without a question: one conversation, one question per line, until the input ends. A failed question does not end it.
 * On a terminal the exit code is 0, or 130 after Ctrl-C; otherwise it is 1 when any question failed.
 */
export async function chatSession(
  { conversation = newUuid7(), ...options }: ChatOptions,
  context: CliContext,
): Promise<number> {
  const { config, output, interrupted, stdin } = context
  const problem = ConversationId.safeParse(conversation).error?.issues[0]
  if (problem) throw new CliError('usage', `the conversation id is not right: ${problem.message}`)
  // Reports a missing council before it asks for the first question.
  findServer(config)

  const input = stdin()
  const isTerminal = input.isTTY === true && output.stderr.isTTY === true
  if (isTerminal) output.note(`conversation ${conversation}; Ctrl-C cancels an answer, Ctrl-D leaves`)
  const questions = isTerminal ? terminalQuestions(input, output.stderr, output.note) : pipedQuestions(input)
  interrupted.addEventListener('abort', questions.close, { once: true })
  let hasFailed = false
  try {
    for (
      let question = await questions.next();
      question !== null && !interrupted.aborted;
      question = await questions.next()
    ) {
      const answer = new AbortController()
      const release = questions.answering(answer)
      try {
        await chat(
          question,
          { ...options, conversation },
          { ...context, interrupted: AbortSignal.any([interrupted, answer.signal]) },
        )
      } catch (error) {
        const failure = failureOf(error)
        if (error instanceof OutputClosed || (isTerminal ? endsAll : endsPiped).includes(failure.code)) throw error
        output.fail(failure)
        hasFailed = true
      } finally {
        release()
      }
    }
  } finally {
    interrupted.removeEventListener('abort', questions.close)
    questions.close()
  }
  if (interrupted.aborted || questions.isAbandoned()) return 130
  return hasFailed && !isTerminal ? 1 : 0
}
