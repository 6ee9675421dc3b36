import { SignedReceipt } from '../../api/receipts/receipt.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'

/** `council receipt`: asks the running council for the receipt of an answer, and prints it as JSON. */
export async function showReceipt(requestId: Uuid7, { config, output }: CliContext): Promise<number> {
  const signed = await councilApi(config).get(`/v1/chats/${requestId}/receipt`, SignedReceipt)
  if (output.json) await output.result(signed, () => [])
  // Verbatim: the signature covers every character.
  else await output.write(`${JSON.stringify(signed, null, 2)}\n`)
  return 0
}
