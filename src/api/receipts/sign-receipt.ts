import { publicKeyFrom, type SealKey } from '../../events/log/archive/seal-key.ts'
import { formatIssues } from '../queries/page.ts'
import { receiptText, SignedReceipt, type Receipt } from './receipt.ts'

/** Signs a receipt with the sealing key of its council. */
export function signReceipt(receipt: Receipt, { keyId, sign }: SealKey): SignedReceipt {
  const value = Buffer.from(sign(receiptText(receipt)), 'base64url').toString('base64')
  return { receipt, signature: { keyId, algorithm: 'Ed25519', value } }
}

export type ReceiptVerdict =
  { outcome: 'genuine'; signed: SignedReceipt } | { outcome: 'malformed' | 'forged'; why: string }

/** Checks a signed receipt against a public key (in the form of `SealingKey`), and that its calls add up to its cost. */
export function verifyReceipt(value: unknown, publicKey: string): ReceiptVerdict {
  const parsed = SignedReceipt.safeParse(value)
  if (!parsed.success) return { outcome: 'malformed', why: `it is no receipt: ${formatIssues(parsed.error)}` }
  const { receipt, signature } = parsed.data
  const key = publicKeyFrom(publicKey)
  if (key?.keyId !== signature.keyId)
    return {
      outcome: 'forged',
      why: `it names the key ${signature.keyId}, and the given public key is ${key?.keyId ?? 'none for Ed25519'}`,
    }
  const bytes = Buffer.from(signature.value, 'base64')
  // Base64 has several texts for the same bytes; only one of them is what the council wrote.
  const isExact = bytes.toString('base64') === signature.value
  if (!isExact || !key.verify(receiptText(receipt), bytes.toString('base64url')))
    return { outcome: 'forged', why: 'the signature is not of this content: it was changed after it was signed' }
  const sum = receipt.calls.reduce((total, { costMicros }) => total + costMicros, 0)
  if (sum !== receipt.costMicros)
    return { outcome: 'forged', why: `its calls cost ${sum} µ$, but it states ${receipt.costMicros} µ$` }
  return { outcome: 'genuine', signed: parsed.data }
}
