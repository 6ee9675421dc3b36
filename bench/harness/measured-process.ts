import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { option } from './arguments.ts'
import { supervise } from './supervised-child.ts'

/** A process that runs the measured code. Competitors never share a heap or a warmed-up compiler. */
export type MeasuredProcess<Request, Reply> = {
  pid: number
  /** Throws if the process ends, or does not reply within `maxMs`. */
  ask: (request: Request, maxMs?: number) => Promise<Reply>
  /** Lets the process exit by itself, so that it writes its profile. */
  stop: () => Promise<void>
  kill: () => Promise<void>
}

/** `--cpu-prof <folder>` on a benchmark's command line profiles every measured process. */
const profiles = option('--cpu-prof')
/** Absolute, because the processes have folders of their own. */
const profileFolder = profiles === undefined ? undefined : resolve(profiles)

/** The flags under which the council runs in production (bin/toolchain.sh), and those of a profile. */
export const nodeFlags: readonly string[] = [
  ...readFileSync(join(import.meta.dirname, '../../bin/node-flags'), 'utf8')
    .trim()
    .split(' '),
  ...(profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder]),
]

/** The recovery benchmark starts a gate while Redis loads a million events. */
const maxStartMs = 180_000
const maxReplyMs = 120_000

export async function startMeasured<Request extends object, Reply>(
  program: string,
  args: readonly string[],
): Promise<MeasuredProcess<Request, Reply>> {
  const child = fork(join(import.meta.dirname, '..', program), [...args], { execArgv: [...nodeFlags], silent: true })
  const supervised = supervise(program, child, (line) => console.error(`${program}: ${line}`))
  const nextMessage = <T>(what: string, maxMs: number): Promise<T> =>
    supervised.until<T>(
      what,
      maxMs,
      (resolve) => void once(child, 'message').then(([message]) => resolve(message as T)),
    )
  await nextMessage('start', maxStartMs)
  return {
    pid: child.pid ?? 0,
    ask: async (request, maxMs = maxReplyMs) => {
      const answered = nextMessage<Answer<Reply>>('reply', maxMs)
      child.send(request)
      const answer = await answered
      if ('failed' in answer) throw new Error(answer.failed)
      return answer.reply
    },
    stop: () => supervised.end(() => child.disconnect()),
    kill: () => supervised.end(() => child.kill('SIGKILL')),
  }
}

type Answer<Reply> = { reply: Reply } | { failed: string }

/** The child's side: answers one request at a time until the benchmark disconnects. */
export function answerRequests<Reply>(answer: (request: never) => Promise<Reply>, close: () => void): void {
  const send = (answered: Answer<Reply>): void => {
    if (process.connected) process.send?.(answered)
  }
  process.on('message', (request: unknown) => {
    answer(request as never).then(
      (reply) => send({ reply }),
      (error: unknown) => send({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
  })
  process.once('disconnect', () => {
    close()
    process.exit()
  })
  process.send?.({ ready: true })
}
