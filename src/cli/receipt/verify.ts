import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { verifyReceipt } from '../../api/receipts/sign-receipt.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { parseStrictJsonBytes } from '../../platform/strict-json.ts'
import { readPublicKey } from '../audit/kept-outside.ts'
import type { CliContext, InputStream } from '../context.ts'
import { CliError } from '../failure.ts'
import { dollarsAndMicros } from '../money.ts'

export type VerifyOptions = { publicKey: string }

/**
 * `council receipt verify`: checks a receipt offline, its signature and that its calls add up to its cost. Throws CliError
 * `receipt_malformed` and `receipt_forged`, and `usage` for a file that cannot be read or a key that is none.
 */
export async function verifyReceiptFile(
  file: string,
  { publicKey }: VerifyOptions,
  { output, stdin }: CliContext,
): Promise<number> {
  const key = readPublicKey(publicKey)
  const json = parseStrictJsonBytes(await contentOf(file, stdin))
  if (!json.ok) throw new CliError('receipt_malformed', `${file} ${json.problem}`)
  const verdict = verifyReceipt(json.value, key)
  switch (verdict.outcome) {
    case 'malformed':
      throw new CliError('receipt_malformed', `${file}: ${verdict.why}`)
    case 'forged':
      throw new CliError('receipt_forged', `${file}: ${verdict.why}`)
    case 'genuine': {
      const { receipt, signature } = verdict.signed
      const { requestId, council, outcome, costMicros, calls, vote } = receipt
      const { keyId } = signature
      await output.result(
        { genuine: true, requestId, council, outcome, costMicros, calls: calls.length, keyId },
        () => [
          `genuine: signed by the council "${council}" under the key ${keyId}`,
          `the answer ${requestId} is ${outcome} and cost ${dollarsAndMicros(costMicros)} in ${calls.length} call(s)`,
          ...(vote ? [`${vote.ballots.length} member(s) voted, ${vote.method}: ${vote.winner ?? 'no winner'}`] : []),
        ],
      )
      return 0
    }
    default:
      return verdict satisfies never
  }
}

async function contentOf(file: string, stdin: () => InputStream): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(stdin()) : await readFile(file)
  } catch (error) {
    throw new CliError('usage', `${file} cannot be read: ${messageOf(error)}`)
  }
}
