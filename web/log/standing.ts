import { signal } from '@preact/signals'
import type { Loaded } from '../loaded.ts'
import { operate } from '../operate.ts'
import { council, faultOf } from '../server.ts'

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

export const standing = signal<Loaded<LogStanding>>({ state: 'loading' })
export const verification = signal<Loaded<Verification>>({ state: 'loading' })

async function into<Body>(target: { value: Loaded<Body> }, answer: Promise<Body>): Promise<void> {
  try {
    target.value = { state: 'there', value: await answer }
  } catch (error) {
    target.value = { state: 'failed', why: faultOf(error) }
  }
}

const read = async <Body>(path: string): Promise<Body> => (await council.read<Body>(path, { retryForMs: 0 })).body

export const loadStanding = (): Promise<void> => into(standing, read<LogStanding>('/v1/log'))
export const loadVerification = (): Promise<void> => into(verification, read<Verification>('/v1/verification'))
export const startVerification = (): Promise<void> =>
  into(verification, operate<Verification>('POST', '/v1/verification'))
export const endVerification = (): Promise<void> =>
  into(verification, operate<Verification>('DELETE', '/v1/verification'))
