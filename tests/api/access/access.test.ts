import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAccess } from '../../../src/api/access/access.ts'
import { createOrigins } from '../../../src/api/access/origins.ts'
import { sessionCookie } from '../../../src/api/access/session-cookie.ts'
import { identityWatch } from '../../../src/api/access/watch-identity.ts'
import { failedLogins, networkOf } from '../../../src/api/access/failed-logins.ts'
import { tokenStates } from '../../../src/api/access/token-states.ts'
import type { CommandGate } from '../../../src/commands/gate/gate.ts'
import { Uuid7 } from '../../../src/events/identifiers.ts'
import { tokenStream } from '../../../src/events/token.ts'
import { knownTokens, memorySessions, silentTail } from '../../support/access.ts'

const adminToken = 'the-first-token-of-these-tests-is-long'

/** Admission over tokens whose states a test sets, and a log that counts its reads and may be away. */
function admission() {
  const known = knownTokens()
  const tail = silentTail()
  const log = { reads: 0, isAway: false, nowMs: 1_000_000, elapsedMs: 0 }
  const load = (_: unknown, stream: string) => {
    log.reads++
    const state = known.states.get(Uuid7.parse(stream.slice('token/'.length))) ?? { status: 'absent' }
    return log.isAway ? Promise.reject(new Error('away')) : Promise.resolve({ revision: 1, state })
  }
  const tokens = tokenStates({ gate: { load: load as CommandGate['load'] }, tail, elapsedMs: () => log.elapsedMs })
  const clock = { nowMs: () => log.nowMs }
  const sessions = memorySessions(clock.nowMs)
  const origins = createOrigins(['https://council.example.org'], '127.0.0.1')
  origins.listensOn(8_787)
  const access = createAccess({ adminToken, origins, tokens, sessions, clock })
  const watch = identityWatch({ access, sessions, tail, clock })
  const authenticate = (authorization?: string) =>
    access.authenticate({ headers: { ...(authorization !== undefined && { authorization }) } })
  const outcome = async (token: string) => (await authenticate(`Bearer ${token}`)).outcome
  const revoke = (tokenId: Uuid7) => {
    const state = known.states.get(tokenId)
    if (state && state.status !== 'absent') known.states.set(tokenId, { ...state, status: 'revoked' })
  }
  return { ...known, tail, log, access, sessions, authenticate, watch, outcome, revoke }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a credential', () => {
  test('admits the subject of its token with the scopes of the token', async () => {
    const { authenticate, issue } = admission()
    const { token, tokenId } = issue({ scopes: ['chat:read'] })
    expect(await authenticate(`bearer  ${token}`)).toEqual({
      outcome: 'admitted',
      identity: {
        subject: 'user:ada',
        scopes: new Set(['chat:read']),
        tokens: [tokenId],
        expiresAtMs: null,
        sessionId: null,
      },
    })
  })

  test('that is wrong in one character does not admit', async () => {
    const { outcome, issue } = admission()
    const { token } = issue()
    expect(await outcome(token)).toBe('admitted')
    expect(await outcome(`${token.slice(0, -1)}x`)).toBe('wrong')
    expect(await outcome(`${token}s`)).toBe('wrong')
    expect(await outcome(token.replace('hac_', 'hac-'))).toBe('wrong')
  })

  test.each(['', 'Bearer', 'Bearer ', 'Basic YTpi', `Bearer ${'x'.repeat(5_000)}`, adminToken])(
    '"%s" is wrong',
    async (header) => {
      expect((await admission().authenticate(header)).outcome).toBe('wrong')
    },
  )

  test('that was never sent is absent', async () => {
    expect((await admission().authenticate()).outcome).toBe('absent')
  })

  test('is wrong once its token, or a token above it, was revoked or has expired', async () => {
    const { issue, outcome, revoke, log } = admission()
    const above = issue({ expiresAtMs: 1_000_500 })
    const middle = issue({ issuer: above.tokenId, expiresAtMs: 1_000_400 })
    const own = issue({ issuer: middle.tokenId, expiresAtMs: 1_000_300 })
    expect(await outcome(own.token)).toBe('admitted')
    log.nowMs = 1_000_300
    expect([await outcome(own.token), await outcome(middle.token)]).toEqual(['wrong', 'admitted'])
    revoke(above.tokenId)
    log.elapsedMs = 1_000
    expect(await outcome(middle.token)).toBe('wrong')
  })

  test('that cannot be checked does not admit, and is not wrong either', async () => {
    const { outcome, issue, log } = admission()
    const { token } = issue()
    log.isAway = true
    expect(await outcome(token)).toBe('unchecked')
    expect(await outcome(adminToken)).toBe('admitted')
    log.isAway = false
    expect(await outcome(token)).toBe('admitted')
  })
})

describe('the states of tokens', () => {
  test('are read once for many requests within a second, and again after it', async () => {
    const { outcome, issue, log } = admission()
    const { token } = issue()
    await Promise.all([outcome(token), outcome(token)])
    log.elapsedMs = 999
    await outcome(token)
    expect(log.reads).toBe(1)
    log.elapsedMs = 1_000
    await outcome(token)
    expect(log.reads).toBe(2)
  })

  test('are read again at once when the log has an event of the token', async () => {
    const { outcome, issue, revoke, tail } = admission()
    const { token, tokenId } = issue()
    expect(await outcome(token)).toBe('admitted')
    revoke(tokenId)
    expect(await outcome(token)).toBe('admitted')
    tail.ring(tokenStream(tokenId))
    expect(await outcome(token)).toBe('wrong')
  })

  test('of unknown tokens are not kept', async () => {
    const { outcome, issue, states, tail } = admission()
    const { token, tokenId } = issue()
    states.delete(tokenId)
    expect(await outcome(token)).toBe('wrong')
    await settled()
    expect(tail.listening()).toBe(0)
  })
})

describe('a watch over an identity', () => {
  async function watched(change: Parameters<ReturnType<typeof knownTokens>['issue']>[0] = {}) {
    const all = admission()
    const own = all.issue(change)
    const authentication = await all.authenticate(`Bearer ${own.token}`)
    if (authentication.outcome !== 'admitted') throw new Error(authentication.outcome)
    const onEnd = vi.fn<() => void>()
    const stop = () => all.watch(authentication.identity, onEnd)
    return { ...all, own, onEnd, start: stop }
  }

  test('ends when an event revokes the token or one above it', async () => {
    const above = admission()
    const { tokenId } = above.issue()
    const own = above.issue({ issuer: tokenId })
    const authentication = await above.authenticate(`Bearer ${own.token}`)
    const onEnd = vi.fn<() => void>()
    if (authentication.outcome === 'admitted') above.watch(authentication.identity, onEnd)
    await settled()
    expect(onEnd).not.toHaveBeenCalled()
    above.revoke(tokenId)
    above.tail.ring(tokenStream(tokenId))
    await settled()
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  test('ends at once if the token was revoked since it was checked', async () => {
    const { revoke, own, start, onEnd } = await watched()
    revoke(own.tokenId)
    start()
    await settled()
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  test('ends when the token expires', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { start, onEnd, log } = await watched({ expiresAtMs: 1_000_700 })
    start()
    log.nowMs = 1_000_699
    vi.advanceTimersByTime(699)
    expect(onEnd).not.toHaveBeenCalled()
    log.nowMs = 1_000_700
    vi.advanceTimersByTime(1)
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  test('leaves nothing behind when it is stopped', async () => {
    const { start, onEnd, revoke, own, tail } = await watched()
    const stop = start()
    await settled()
    stop()
    revoke(own.tokenId)
    tail.ring(tokenStream(own.tokenId))
    await settled()
    expect(onEnd).not.toHaveBeenCalled()
  })
})

describe('the session of a browser', () => {
  const page = { origin: 'http://127.0.0.1:8787', 'sec-fetch-site': 'same-origin' }

  async function signedIn(change: Parameters<ReturnType<typeof knownTokens>['issue']>[0] = {}) {
    const all = admission()
    const own = all.issue(change)
    const { secret } = await all.sessions.open({ tokenId: own.tokenId })
    const cookie = sessionCookie(secret, 60).split(';')[0] ?? ''
    const request = async (method: string, headers: Record<string, string> = {}) =>
      all.access.authenticate({ method, headers: { cookie: `theme=dark; ${cookie}`, ...headers } })
    return { ...all, own, cookie, request }
  }

  test('admits as its token does, until the earlier end of the two', async () => {
    const { request, own } = await signedIn({ scopes: ['chat:read'], expiresAtMs: 1_030_000 })
    expect(await request('GET')).toMatchObject({
      outcome: 'admitted',
      identity: { subject: 'user:ada', scopes: new Set(['chat:read']), tokens: [own.tokenId], expiresAtMs: 1_030_000 },
    })
    expect(await (await signedIn()).request('GET')).toMatchObject({ identity: { expiresAtMs: 1_060_000 } })
  })

  test('ends with its token, with its time, and by signing out', async () => {
    const revoked = await signedIn()
    revoked.revoke(revoked.own.tokenId)
    expect(await revoked.request('GET')).toEqual({ outcome: 'absent' })
    const late = await signedIn()
    late.log.nowMs += 60_000
    expect(await late.request('GET')).toEqual({ outcome: 'absent' })
    const out = await signedIn()
    const admitted = await out.request('GET')
    const onEnd = vi.fn<() => void>()
    if (admitted.outcome === 'admitted') {
      out.watch(admitted.identity, onEnd)
      await out.sessions.end(admitted.identity.sessionId ?? '')
    }
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await out.request('GET')).toEqual({ outcome: 'absent' })
  })

  test('of the first token ends when the settings have another one', async () => {
    const { sessions, access } = admission()
    const { secret } = await sessions.open({ first: 'the fingerprint of an earlier token' })
    const headers = { cookie: sessionCookie(secret, 60) }
    expect(await access.authenticate({ method: 'GET', headers })).toEqual({ outcome: 'absent' })
  })

  test.each<[string, Record<string, string>, string]>([
    ['POST', page, 'admitted'],
    ['POST', { ...page, origin: 'http://localhost:8787' }, 'admitted'],
    ['POST', { ...page, origin: 'https://council.example.org' }, 'admitted'],
    ['POST', { ...page, origin: 'http://127.0.0.1:9999' }, 'foreign'],
    ['POST', { ...page, origin: 'http://evil.example' }, 'foreign'],
    ['POST', { ...page, origin: 'http://evil.example:8787', host: 'evil.example:8787' }, 'foreign'],
    ['POST', { ...page, origin: 'null' }, 'foreign'],
    ['POST', { ...page, 'sec-fetch-site': 'same-site' }, 'foreign'],
    ['POST', { origin: page.origin }, 'foreign'],
    ['POST', {}, 'foreign'],
    ['DELETE', {}, 'foreign'],
    ['GET', {}, 'admitted'],
    ['GET', { upgrade: 'websocket', origin: page.origin }, 'admitted'],
    ['GET', { upgrade: 'websocket', ...page }, 'admitted'],
    ['GET', { upgrade: 'websocket', origin: 'http://evil.example' }, 'foreign'],
    ['GET', { upgrade: 'websocket', origin: page.origin, 'sec-fetch-site': 'cross-site' }, 'foreign'],
    ['GET', { upgrade: 'websocket' }, 'foreign'],
  ])('on %s with %o: %s', async (method, headers, outcome) => {
    expect((await (await signedIn()).request(method, headers)).outcome).toBe(outcome)
  })

  test('gives way to a token that comes with the request', async () => {
    const { request } = await signedIn()
    expect(await request('GET', { authorization: 'Bearer wrong' })).toEqual({ outcome: 'wrong' })
  })
})

describe('failed logins', () => {
  test('of one address are refused beyond the limit, with the time to wait', async () => {
    const count = failedLogins(2)
    expect([await count('10.0.0.1'), await count('10.0.0.1')]).toEqual([null, null])
    const wait = await count('10.0.0.1')
    expect(wait).toBeGreaterThan(50)
    expect(wait).toBeLessThanOrEqual(60)
    expect(await count('10.0.0.2')).toBeNull()
  })

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8::7', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['unknown', 'unknown'],
  ])('of %s count for %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
