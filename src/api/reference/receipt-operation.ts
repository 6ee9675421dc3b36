import { Uuid7 } from '../../events/identifiers.ts'
import { SignedReceipt } from '../receipts/receipt.ts'
import { ReceiptParameters } from '../receipts/receipt-route.ts'
import type { Operation } from './operation.ts'

/** The receipt of an answer. */
export const receiptOperation: Operation = {
  method: 'get',
  path: '/v1/chats/:id/receipt',
  tag: 'chats',
  summary: 'The signed receipt of an answer that has ended: its cost, its model calls and its vote.',
  scope: 'chat:read',
  id: Uuid7,
  query: ReceiptParameters,
  answers: { 200: { about: 'The receipt.', body: SignedReceipt, headers: ['X-Council-Position', 'ETag'] } },
}
