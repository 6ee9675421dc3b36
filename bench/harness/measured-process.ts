import { fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'

/** A program of its own that runs what is measured, so that no two things that are compared share a heap or a warmed-up compiler. */
export type MeasuredProcess<Request, Reply> = {
  ask: (request: Request) => Promise<Reply>
  /** Lets it end by itself, so that a profile is written. */
  stop: () => Promise<void>
  kill: () => Promise<void>
}

/** `--cpu-prof <folder>` on a benchmark's command line profiles every process that it measures. */
const profileFolder = process.argv.includes('--cpu-prof')
  ? process.argv[process.argv.indexOf('--cpu-prof') + 1]
  : undefined

/** As the council runs (bin/toolchain.sh). */
const nodeFlags = readFileSync(join(import.meta.dirname, '../../bin/node-flags'), 'utf8')
  .trim()
  .split(' ')

export async function startMeasured<Request extends object, Reply>(
  program: string,
  args: readonly string[],
): Promise<MeasuredProcess<Request, Reply>> {
  const execArgv = [
    ...nodeFlags,
    ...(profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder]),
  ]
  const child = fork(join(import.meta.dirname, '..', program), [...args], { execArgv, stdio: 'inherit' })
  await once(child, 'message')
  return {
    ask: (request) => askOnce<Reply>(child, request),
    stop: () => ended(child, () => child.disconnect()),
    kill: () => ended(child, () => child.kill('SIGKILL')),
  }
}

type Answer<Reply> = { reply: Reply } | { failed: string }

async function askOnce<Reply>(child: ChildProcess, request: object): Promise<Reply> {
  const ended = new AbortController()
  const stop = (): void => ended.abort(new Error(`${child.spawnargs.join(' ')} ended while it was measured`))
  child.once('exit', stop)
  try {
    child.send(request)
    const [answer] = (await once(child, 'message', { signal: ended.signal })) as [Answer<Reply>]
    if ('failed' in answer) throw new Error(answer.failed)
    return answer.reply
  } finally {
    child.off('exit', stop)
  }
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  end()
  await exit
}

/** The other side: answers every request, one at a time, until the benchmark lets go of it. */
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
