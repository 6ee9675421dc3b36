import { asked, type Turn } from './answer.ts'

/** A row of `GET /v1/chats`. */
export type ChatRow = {
  requestId: string
  conversationId: string
  status: 'submitted' | 'answering' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  prompt: string
  path: Turn['path']
  answer: string
  finishReason: string | null
  failure: { code: string; message: string | null } | null
  degraded: boolean
  costMicros: number
  tokens: { prompt: number; completion: number }
  timings: { queuedMs: number | null; firstTokenMs: number | null; totalMs: number | null }
  submittedAt: string
  endedAt: string | null
  positions: { first: string; last: string }
}

/** A turn of an earlier visit, as the read model has it. One that has not ended is followed from its first frame on. */
export function recalled(row: ChatRow): Turn {
  const turn = { ...asked(row.requestId, row.prompt), path: row.path }
  if (row.endedAt === null) return { ...turn, status: row.status === 'waiting' ? 'waiting' : 'answering' }
  return {
    ...turn,
    status: row.status === 'completed' ? 'completed' : row.status === 'cancelled' ? 'cancelled' : 'failed',
    text: row.answer,
    hasStory: false,
    ending: {
      costMicros: row.costMicros,
      tokens: row.tokens,
      firstTokenMs: row.timings.firstTokenMs,
      totalMs: row.timings.totalMs,
      isCut: row.finishReason === 'length',
      reasons: [],
      lastPosition: row.positions.last,
      failure: row.failure ? (row.failure.message ?? row.failure.code) : null,
    },
  }
}
