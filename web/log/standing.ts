import { asked, bodyOf, loading } from '../loaded.ts'
import { operate } from '../operate.ts'

/** `GET /v1/log`. */
export type LogStanding = {
  head: { position: string; sequence: number }
  archive: { sequence: number; lagEvents: number; trimmed: number } | null
  seals: {
    count: number
    newest: { position: string; sealedAt: string; upTo: { sequence: number } } | null
    key: { keyId: string; sha256: string; position: string } | null
  }
}

export type Progress = {
  step: string
  done: number
  total: number | null
  perSecond: number
  remainingMs: number | null
}

/** `GET /v1/verification`. */
export type Verification =
  | { state: 'never' }
  | {
      state: 'running' | 'done' | 'failed' | 'cancelled'
      startedBy: string
      startedAt: string
      endedAt: string | null
      progress: Progress | null
      failure: { code: string; message: string } | null
      verdict: { ok: boolean; faults: number; events: number; unknown: readonly string[] } | null
      faults: readonly { code: string; position: string; message: string }[]
    }

const verifications = '/v1/verification'
export const standing = loading<LogStanding>()
export const verification = loading<Verification>()

export const loadStanding = async (): Promise<void> =>
  void (standing.value = await asked(() => bodyOf<LogStanding>('/v1/log')))
export const loadVerification = async (): Promise<void> =>
  void (verification.value = await asked(() => bodyOf<Verification>(verifications)))
export const startVerification = async (): Promise<void> =>
  void (verification.value = await asked(() => operate<Verification>('POST', verifications)))
export const endVerification = async (): Promise<void> =>
  void (verification.value = await asked(() => operate<Verification>('DELETE', verifications)))
