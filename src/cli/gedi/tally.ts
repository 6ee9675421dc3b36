import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { count } from '../../gedi/count.ts'
import { GediError, type MethodName } from '../../gedi/election.ts'
import { parseStrictJson } from '../../platform/strict-json.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'

export type TallyOptions = { method: MethodName; seed?: string }

const Candidate = z.union([z.string().min(1).max(1_000), z.int()])
/** One line of input. Further fields are ignored, but for `id`, which the result repeats. */
const ElectionLine = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  candidates: z.array(Candidate),
  ballots: z.array(z.unknown()),
  weights: z.array(z.number()).optional(),
  seed: z.string().optional(),
  dictator: z.array(Candidate).optional(),
})

/**
 * `council gedi tally`: counts one election per line, `{candidates, ballots, weights?, seed?, dictator?}`, and prints
 * `{winners, order, tally, trace, rejected}` for each. A line that cannot be counted is reported on stderr, and the
 * others are still counted; the exit code is then 1.
 */
export async function tally(file: string, options: TallyOptions, { output, stdin }: CliContext): Promise<number> {
  const input = file === '-' ? stdin() : createReadStream(file)
  const failed = new Promise<never>((_, reject) =>
    input.once('error', (error: Error) => {
      reject(new CliError('usage', `${file} cannot be read: ${error.message}`))
    }),
  )
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]()
  let exitCode = 0
  for (let number = 1; ; number++) {
    const { done, value: line } = await Promise.race([lines.next(), failed])
    if (done === true) return exitCode
    if (line.trim() === '') continue
    try {
      const result = tallyLine(line, options)
      await output.result(result, () => JSON.stringify(result))
    } catch (error) {
      if (!(error instanceof GediError) && !(error instanceof CliError)) throw error
      output.fail({ code: error.code, message: `line ${number}: ${error.message}`, exitCode: 1 })
      exitCode = 1
    }
  }
}

function tallyLine(line: string, { method, seed }: TallyOptions) {
  const json = parseStrictJson(line)
  if (!json.ok) throw new CliError('malformed_election', `the line ${json.problem}`)
  const parsed = ElectionLine.safeParse(json.value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CliError('malformed_election', `${issue?.path.join('.') || 'the line'}: ${issue?.message}`)
  }
  const { id, ...election } = parsed.data
  const {
    winners,
    order,
    tally: figures,
    trace,
    rejected,
  } = count(method, { ...election, seed: election.seed ?? seed })
  return { ...(id !== undefined && { id }), winners, order, tally: figures, trace, rejected }
}
