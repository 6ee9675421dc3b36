import { ClientFrame, type ServerFrame } from '../../api/chat/frames.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { newUuid7 } from '../../platform/ids.ts'
import { ClientError } from '../../client/client-error.ts'
import { ConnectionLost } from '../../client/connection-lost.ts'
import type { Loss } from '../../client/reconnect.ts'
import type { CliContext } from '../context.ts'
import { cliErrorOf, findCouncil } from '../council-client.ts'
import { CliError } from '../failure.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { noCouncil } from '../running-council.ts'
import { chatProgress, type ChatProgress } from './progress.ts'

export type ChatOptions = { path?: 'fast' | 'full'; conversation?: string; verbose?: boolean }

type Completed = Extract<ServerFrame, { type: 'completed' }>

/** `council chat`: asks a running council and streams its answer. Progress, dissent, cost and timings go to stderr. */
export async function chat(
  text: string,
  { path, conversation, verbose = false }: ChatOptions,
  { config, output, interrupted }: CliContext,
): Promise<number> {
  const requestId = newUuid7() as Uuid7
  const question = {
    requestId,
    text,
    ...(path && { path }),
    ...(conversation !== undefined && { conversationId: conversation }),
  }
  const problem = ClientFrame.safeParse({ type: 'prompt', ...question, text: text.trim() }).error?.issues[0]
  if (problem)
    throw new CliError(
      'usage',
      `${problem.path[0] === 'text' ? 'the question' : 'the conversation id'} is not right: ${problem.message}`,
    )
  const { client, shownAs } = findCouncil(config)
  const progress = chatProgress(output, { isVerbose: verbose })
  const onLost = (loss: Loss) => progress.note(lossLine(loss))
  const frames = client.ask(question, { signal: interrupted, onLost }).received()
  const next = () => frames.next().catch((error: unknown) => fail(error, requestId, shownAs))
  let streamed = ''
  let route = ''
  try {
    for (;;) {
      const { done, value } = await next()
      if (done)
        return await end(output, value, { streamed, route, requestId, interrupted: interrupted.aborted, progress })
      const { raw, frame } = value
      if (frame) progress.show(frame)
      if (output.json) await output.result(raw, () => '')
      else if (frame?.type === 'token') await output.write(frame.text)
      if (frame?.type === 'token') streamed += frame.text
      if (frame?.type === 'routed') route = frame.path
      if (frame?.type === 'phase' && frame.conversation && !output.json) noteMissingTurns(progress, frame.conversation)
    }
  } finally {
    // If the answer could not be printed, this cancels the prompt and closes the connection.
    await frames.return(undefined as never)
  }
}

const lossLine = ({ why, waitMs, tryNumber, maxTries }: Loss): string =>
  `connection lost (${why}); trying again in ${waitMs / 1000} s (${tryNumber} of ${maxTries})`

/** Throws a failure of the client in the words of the command line: the log tells more. */
function fail(error: unknown, requestId: Uuid7, shownAs: string): never {
  if (!(error instanceof ClientError)) throw error
  const { code, message } = error
  if (code === 'no_council' && error.cause instanceof ConnectionLost) throw noCouncil(shownAs)
  if (code === 'connection_lost')
    throw new CliError('connection_lost', `${message}; the answer continues: council audit request ${requestId}`)
  if (code === 'interrupted')
    throw new CliError(
      'interrupted',
      `interrupted before the council confirmed the cancellation; see council audit request ${requestId}`,
    )
  throw cliErrorOf(error)
}

/** A model that does not see all turns may contradict its earlier answers. */
function noteMissingTurns(
  { note }: ChatProgress,
  { omitted, reason }: { omitted: number | null; reason?: string | undefined },
): void {
  if (reason === 'unavailable')
    note('the earlier turns of this conversation cannot be read now: the answer ignores them')
  else if (omitted !== null && omitted > 0)
    note(
      `${omitted} earlier turns of this conversation ${reason === 'window' ? 'do not fit into the window of the model' : 'exceed the limit for a model'}: the answer ignores the oldest`,
    )
}

type Context = { streamed: string; route: string; requestId: Uuid7; interrupted: boolean; progress: ChatProgress }

async function end(
  output: Output,
  ending: Extract<ServerFrame, { type: 'completed' | 'failed' | 'cancelled' }>,
  { streamed, route, requestId, interrupted, progress }: Context,
): Promise<number> {
  if (!output.json && streamed !== '') await output.write('\n')
  switch (ending.type) {
    case 'completed':
      if (ending.text !== streamed)
        throw new CliError(
          'answer_differs',
          `the streamed text is not the answer on record: council audit request ${requestId}`,
        )
      if (!output.json) {
        const dissent = progress.dissent()
        if (dissent !== null) output.note(dissent)
        output.note(summary(ending, route))
      }
      return interrupted ? 130 : 0
    case 'failed':
      throw new CliError(
        { fromServer: ending.code },
        `${ending.message}; it cost ${dollarsAndMicros(ending.costMicros)}`,
      )
    case 'cancelled':
      if (!interrupted)
        throw new CliError('cancelled', `the prompt was cancelled; it cost ${dollarsAndMicros(ending.costMicros)}`)
      if (!output.json) output.note(`cancelled; it cost ${dollarsAndMicros(ending.costMicros)}`)
      return 130
    default:
      return ending satisfies never
  }
}

/** `$0.000038 (38 µ$) · 120 + 34 tokens · queued 3 ms, first token 41 ms, total 812 ms · fast path` */
function summary({ finishReason, costMicros, usage, timings, degraded, reasons }: Completed, route: string): string {
  const { queuedMs, firstTokenMs, totalMs } = timings
  const first = firstTokenMs === null ? '' : ` first token ${Math.round(firstTokenMs)} ms,`
  return [
    dollarsAndMicros(costMicros),
    `${usage.promptTokens.toLocaleString('en')} + ${usage.completionTokens.toLocaleString('en')} tokens`,
    `queued ${Math.round(queuedMs)} ms,${first} total ${Math.round(totalMs)} ms`,
    `${route || 'unknown'} path`,
    ...(finishReason === 'length' ? ['cut off at the length limit'] : []),
    ...(degraded ? [`degraded${reasons ? `: ${reasons.join(', ')}` : ''}`] : []),
  ].join(' · ')
}
