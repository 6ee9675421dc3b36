import { signal } from '@preact/signals'
import { asked, bodyOf, load, loading } from '../loaded.ts'
import type { Progress } from '../log/standing.ts'
import { operate } from '../operate.ts'
import { council, faultOf, settle } from '../server.ts'

/** `GET /v1/me`. */
export type Me = { subject: string; scopes: readonly string[]; expiresAt: string | null; via: 'token' | 'session' }

export type Part = {
  name: string
  status: 'pass' | 'warn' | 'fail'
  kind: 'real' | 'embedded' | 'missing' | 'internal'
  output: string
}
export type Health = { status: Part['status']; version: string; parts: readonly Part[] }

type Run = {
  state: 'running' | 'done' | 'failed' | 'cancelled'
  about: string | null
  progress: Progress | null
  failure: { code: string; message: string } | null
}

/** A read model of `GET /v1/projections`. */
export type ReadModel = {
  name: string
  version: number
  state: 'running' | 'waiting' | 'stopped' | 'not_built' | 'other_version' | 'elsewhere'
  generation: number | null
  position: string | null
  lagEvents: number
  lagMs: number | null
  fault: { code: string; message: string } | null
  rebuild: { pid: number | null; host: string | null; progress: Progress | null } | null
}
export type ReadModels = { head: number; projections: readonly ReadModel[]; lastRebuild: Run | null }

/** A token of `GET /v1/tokens`. */
export type Token = {
  token: string
  subject: string
  scopes: readonly string[]
  label: string
  issuedBy: string
  issuedAt: string
  expiresAt: string | null
  revokedBy: string | null
  revokedAt: string | null
  revokedWhy: string | null
}

export const me = loading<Me>()
export const health = loading<Health>()
export const readModels = loading<ReadModels>()
export const tokens = loading<readonly Token[]>()
/** The events that each read model was behind, at each look since the page was opened; the newest last. */
export const lags = signal<ReadonlyMap<string, readonly number[]>>(new Map())

const keptLooks = 120

export const loadMe = async (): Promise<void> => void (me.value = await asked(() => bodyOf<Me>('/v1/me')))

/** Also an unhealthy council says what is wrong, with the status 503. */
export const loadHealth = async (): Promise<void> =>
  void (health.value = await asked(async () => {
    const response = await fetch('/health')
    const { status, version, checks } = (await response.json()) as Omit<Health, 'parts'> & {
      checks: Record<string, readonly Omit<Part, 'name'>[]>
    }
    const parts = Object.entries(checks).flatMap(([name, found]) => found.map((part) => ({ ...part, name })))
    return { status, version, parts }
  }))

export async function loadReadModels(): Promise<void> {
  const loaded = await asked(() => bodyOf<ReadModels>('/v1/projections'))
  readModels.value = loaded
  if (loaded.state !== 'there') return
  lags.value = new Map(
    loaded.value.projections.map(({ name, lagEvents }) => [
      name,
      [...(lags.value.get(name) ?? []), lagEvents].slice(-keptLooks),
    ]),
  )
}

/** Starts a rebuild. Returns why it could not be started; null: it runs. */
export async function startRebuild(name: string): Promise<string | null> {
  try {
    await operate('POST', `/v1/projections/${name}/rebuild`)
    await loadReadModels()
    return null
  } catch (error) {
    return faultOf(error)
  }
}

export const loadTokens = (after: string | null = null): Promise<void> =>
  load(tokens, '/v1/tokens', 'tokens', { after, retryForMs: 5_000 })

export type TokenRequest = { label: string; subject: string; scopes: readonly string[]; expiresAt: string | null }

/**
 * Issues a token, whose secret is made here and sent only as its hash. Returns the token, which is shown once, or why it was not issued.
 */
export async function issueToken({ subject, ...rights }: TokenRequest): Promise<{ token: string } | { why: string }> {
  const secret = base64url(crypto.getRandomValues(new Uint8Array(32)))
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  const secretHash = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const fields = { ...rights, secretHash, ...(subject !== '' && { subject }) }
  const settled = await settle(council.execute('IssueToken', fields))
  if ('why' in settled) return settled
  await loadTokens(settled.position)
  // The id of the command is that of the token.
  return { token: `hac_${settled.key}_${secret}` }
}

/** Returns why a token could not be revoked; null: it is. */
export async function revokeToken(tokenId: string, reason: string): Promise<string | null> {
  const settled = await settle(council.execute('RevokeToken', { tokenId, reason }))
  if ('why' in settled) return settled.why
  await loadTokens(settled.position)
  return null
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
