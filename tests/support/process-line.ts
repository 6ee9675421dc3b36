import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Enough for any wait in a test; older lines of a chatty child are forgotten. */
const maxLines = 10_000
const maxLinesInError = 40

type Transcript = { lines: string[]; ended: string | undefined; changed: Set<() => void> }

const transcripts = new WeakMap<ChildProcess, Transcript>()

/**
 * Resolves with the first line on the child's stdout or stderr that matches, printed since the first call for this
 * child (so make that call, or `transcriptOf`, in the same turn as the spawn). Rejects with what the child did print
 * when it ends first or when `deadlineMs` has passed.
 */
export async function processLine(child: ChildProcess, pattern: RegExp, deadlineMs = 20_000): Promise<string> {
  const transcript = watch(child)
  const deadline = AbortSignal.timeout(deadlineMs)
  return new Promise((resolve, reject) => {
    const look = () => {
      const line = transcript.lines.find((candidate) => pattern.test(candidate))
      const failure =
        transcript.ended ??
        (deadline.aborted ? `printed nothing like ${String(pattern)} within ${deadlineMs} ms` : undefined)
      if (line === undefined && failure === undefined) return
      transcript.changed.delete(look)
      deadline.removeEventListener('abort', look)
      if (line === undefined) reject(new Error(`${child.spawnfile} ${failure ?? ''}:\n${tail(transcript)}`))
      else resolve(line)
    }
    transcript.changed.add(look)
    deadline.addEventListener('abort', look)
    look()
  })
}

/** Everything the child has printed since it was first watched, as lines. Keeps its pipes flowing. */
export function transcriptOf(child: ChildProcess): readonly string[] {
  return watch(child).lines
}

function watch(child: ChildProcess): Transcript {
  const known = transcripts.get(child)
  if (known) return known
  const transcript: Transcript = { lines: [], ended: undefined, changed: new Set() }
  transcripts.set(child, transcript)
  const notify = () => {
    for (const look of [...transcript.changed]) look()
  }
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      transcript.lines.push(line)
      if (transcript.lines.length > maxLines) transcript.lines.shift()
      notify()
    })
  }
  // `close`, not `exit`: it comes after the last line of both pipes.
  child.once('close', (code, signal) => {
    transcript.ended = `ended with ${signal ?? `exit code ${code ?? '?'}`}`
    notify()
  })
  child.once('error', (error) => {
    transcript.ended = `could not be started (${error.message})`
    notify()
  })
  return transcript
}

const tail = (transcript: Transcript) => transcript.lines.slice(-maxLinesInError).join('\n')
