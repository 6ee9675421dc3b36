import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** A recorded exchange with a real vLLM 0.32.0 (CPU, SmolLM2-135M-Instruct), with unmodified bodies. */
const Recording = z.looseObject({
  name: z.string(),
  request: z.object({
    method: z.string(),
    path: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.unknown(),
  }),
  response: z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() }),
})
export type Recording = z.infer<typeof Recording>

/** The exchanges of a file, without the entries that have no response (a refused connection, a list of metrics). */
export function recordings(file: string): Recording[] {
  const lines = readFileSync(new URL(`../vectors/vllm/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.flatMap((line) => {
    const parsed = Recording.safeParse(JSON.parse(line))
    return parsed.success ? [parsed.data] : []
  })
}

/** Finds one recording by its name. */
export function recording(file: string, name: string): Recording {
  const found = recordings(file).find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`${file} has no recording named ${name}`)
  return found
}
