import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { token } from '../../../src/commands/aggregates/token.ts'
import { IssueToken } from '../../../src/commands/token/issue-token.ts'
import { RevokeToken } from '../../../src/commands/token/revoke-token.ts'
import type { RefusalCode } from '../../../src/commands/refusals.ts'
import { Principal, type Uuid7 } from '../../../src/events/identifiers.ts'
import { subjectScope } from '../../../src/events/policy.ts'
import {
  maxIssuers,
  scopesOfPeople,
  tokenScopes,
  tokenStream,
  TokenSubject,
  type TokenEvent,
  type TokenScope,
} from '../../../src/events/token.ts'
import { parseToken, printToken } from '../../../src/events/token-text.ts'
import { newId } from '../../support/council.ts'
import { given } from '../../support/decider.ts'
import { suiteProcesses } from '../../support/lifetimes.ts'

const now = '2026-11-23T12:00:00.000Z'
const later = '2026-11-24T12:00:00.000Z'
const secretHash = 'a'.repeat(64)
const admin = Principal.parse('admin')
const ada = Principal.parse('user:ada')
const reads = { token, issuers: [token] } as const

type Issued = Extract<TokenEvent, { type: 'TokenIssued' }>['data']

const issued = (change: Partial<Issued> & { tokenId: Uuid7 }): TokenEvent => ({
  type: 'TokenIssued',
  data: {
    subject: TokenSubject.parse('user:ada'),
    scopes: [...tokenScopes],
    expiresAt: null,
    label: 'x',
    secretHash,
    issuer: null,
    by: admin,
    ...change,
  },
})
const revoked = (tokenId: Uuid7): TokenEvent => ({ type: 'TokenRevoked', data: { tokenId, reason: 'x', by: admin } })

/** Issues a token under a chain of tokens, the issuing one first, each with its events. */
function issuing(
  chain: readonly (readonly [Uuid7, TokenEvent[]])[],
  asked: { subject?: string; scopes?: TokenScope[]; expiresAt?: string | null } = {},
  principal = ada,
) {
  const { subject, scopes = ['chat:send'], expiresAt = null } = asked
  return given(
    reads,
    { issuers: new Map(chain.map(([id, events]) => [tokenStream(id), events])) },
    now,
    principal,
  ).when(IssueToken, {
    tokenId: newId(),
    issuers: chain.map(([id]) => id),
    ...(subject !== undefined && { subject: TokenSubject.parse(subject) }),
    scopes,
    expiresAt,
    label: 'x',
    secretHash,
  })
}

describe('issuing a token', () => {
  test('with the first token records its rights, its issuer and the hash of its secret', () => {
    const tokenId = newId()
    given(reads, {}, now, admin)
      .when(IssueToken, {
        tokenId,
        issuers: [],
        subject: TokenSubject.parse('agent:scout'),
        scopes: ['bounties:write', 'chat:send', 'chat:send'],
        expiresAt: later,
        label: 'scout',
        secretHash,
      })
      .then({
        accepted: {
          token: [
            {
              type: 'TokenIssued',
              data: {
                tokenId,
                subject: TokenSubject.parse('agent:scout'),
                scopes: ['chat:send', 'bounties:write'],
                expiresAt: later,
                label: 'scout',
                secretHash,
                issuer: null,
                by: admin,
              },
            },
          ],
        },
      })
  })

  test('passes on the subject of the issuer', () => {
    const own = newId()
    issuing([[own, [issued({ tokenId: own })]]]).thenMatches({
      accepted: { token: [{ data: { subject: 'user:ada', issuer: own, by: 'user:ada' } }] },
    })
  })

  const own = newId()
  const above = newId()
  const ofAda = issued({ tokenId: own, scopes: ['chat:send', 'tokens:write'], expiresAt: later })
  test.each<[string, Parameters<typeof issuing>, RefusalCode]>([
    [
      'more scopes than the issuer',
      [[[own, [ofAda]]], { scopes: ['chat:read'], expiresAt: later }],
      'scopes_exceed_issuer',
    ],
    [
      'a later end than the issuer',
      [[[own, [ofAda]]], { expiresAt: '2026-11-24T12:00:00.001Z' }],
      'expiry_out_of_range',
    ],
    ['no end, where the issuer has one', [[[own, [ofAda]]], {}], 'expiry_out_of_range'],
    ['an end that has passed', [[], { expiresAt: now }, admin], 'expiry_out_of_range'],
    ['another subject', [[[own, [ofAda]]], { subject: 'user:bob', expiresAt: later }], 'subject_not_allowed'],
    ['a revoked issuer', [[[own, [ofAda, revoked(own)]]], {}], 'token_revoked'],
    ['an expired issuer', [[[own, [issued({ tokenId: own, expiresAt: now })]]], {}], 'token_expired'],
    [
      'a revoked issuer of the issuer',
      [
        [
          [own, [issued({ tokenId: own, issuer: above })]],
          [above, [issued({ tokenId: above }), revoked(above)]],
        ],
      ],
      'token_revoked',
    ],
    ['an issuer whose own issuer is left out', [[[own, [issued({ tokenId: own, issuer: above })]]]], 'token_unknown'],
    ['an issuer that was never issued', [[[own, []]]], 'token_unknown'],
    ['the token of someone else', [[[own, [ofAda]]], {}, Principal.parse('user:bob')], 'token_unknown'],
    ['no token, by anyone but admin', [[], {}, ada], 'token_unknown'],
  ])('is refused with %s', (_, asked, code) => {
    issuing(...asked).thenMatches({ refused: code })
  })

  test.each(scopesOfPeople)('never gives an agent %s', (scope) => {
    issuing([], { subject: 'agent:scout', scopes: [scope] }, admin).then({
      refused: 'scopes_not_for_agents',
      details: { missingScopes: scope },
    })
  })

  test('is refused below the longest chain of issuers', () => {
    const ids = Array.from({ length: maxIssuers + 1 }, () => newId())
    const chain = ids.map((tokenId, index): [Uuid7, TokenEvent[]] => [
      tokenId,
      [issued({ tokenId, issuer: ids[index + 1] ?? null })],
    ])
    issuing(chain).then({ refused: 'too_many_issuers', details: { limit: maxIssuers } })
    issuing(chain.slice(1)).thenMatches({ accepted: {} })
  })

  test('under an id that is taken is refused', () => {
    const tokenId = newId()
    given(reads, { token: [issued({ tokenId })] }, now, admin)
      .when(IssueToken, { tokenId, issuers: [], scopes: ['chat:send'], expiresAt: null, label: 'x', secretHash })
      .then({ refused: 'token_exists', details: { tokenId } })
  })

  test('never passes on more than the issuer holds, whatever is asked', () => {
    const scopes = fc.uniqueArray(fc.constantFrom(...tokenScopes), { minLength: 1 })
    fc.assert(
      fc.property(scopes, scopes, (held, asked) => {
        const tokenId = newId()
        const { decision } = issuing([[tokenId, [issued({ tokenId, scopes: held })]]], { scopes: asked })
        expect(decision.outcome === 'accepted').toBe(asked.every((scope) => held.includes(scope)))
      }),
    )
  })
})

describe('revoking a token', () => {
  const tokenId = newId()
  const command = { tokenId, reason: 'lost' }
  const revoking = (events: TokenEvent[], principal: Principal) =>
    given({ token }, { token: events }, now, principal).when(RevokeToken, command)

  test.each([ada, admin])('is done by %s', (principal) => {
    revoking([issued({ tokenId })], principal).then({
      accepted: { token: [{ type: 'TokenRevoked', data: { tokenId, reason: 'lost', by: principal } }] },
    })
  })

  test('of another subject is answered as one of a token that does not exist', () => {
    const bob = Principal.parse('user:bob')
    const unknown = { refused: 'token_unknown', details: { tokenId } } as const
    revoking([issued({ tokenId })], bob).then(unknown)
    revoking([issued({ tokenId }), revoked(tokenId)], bob).then(unknown)
    revoking([], bob).then(unknown)
  })

  test('is refused the second time', () => {
    revoking([issued({ tokenId }), revoked(tokenId)], ada).then({ refused: 'token_revoked', details: { tokenId } })
  })
})

test('a token that is revoked while it issues another ends it too: either nothing is issued, or its issuer is revoked after it', async () => {
  const [council, other] = await suiteProcesses()
  const principal = admin
  const own = newId()
  const fields = { scopes: [...tokenScopes], label: 'x', secretHash, expiresAt: null }
  await council.gate.execute(IssueToken, { ...fields, tokenId: own, issuers: [] }, { commandId: own, principal })
  const child = newId()
  const [issuedOne, revokedOne] = await Promise.all([
    council.gate.execute(IssueToken, { ...fields, tokenId: child, issuers: [own] }, { commandId: child, principal }),
    other.gate.execute(RevokeToken, { tokenId: own, reason: 'x' }, { commandId: newId(), principal }),
  ])
  expect(revokedOne.result).toBe('appended')
  const types = (await council.events()).map(({ type }) => type)
  const atEnd = types.lastIndexOf('TokenRevoked') === types.length - 1
  expect(issuedOne.result === 'appended' ? atEnd : 'code' in issuedOne && issuedOne.code).toBe(
    issuedOne.result === 'appended' ? true : 'token_revoked',
  )
})

describe('the text of a token', () => {
  test('leads back to its id and secret', () => {
    const token = { tokenId: newId(), secret: `${'a_-'.repeat(14)}b` }
    expect(printToken(token)).toMatch(/^hac_/)
    expect(parseToken(printToken(token))).toEqual(token)
  })

  test.each([
    '',
    'hac_',
    `hac_${newId()}_short`,
    `hac_${newId()}_${'a'.repeat(44)}`,
    `hac_${'-'.repeat(36)}_${'a'.repeat(43)}`,
  ])('"%s" is none', (text) => {
    expect(parseToken(text)).toBeNull()
  })
})

describe('the subject of a token', () => {
  test.each(['admin', 'user:ada', 'agent:scout', `user:${'x'.repeat(64)}`])('%s has a budget of its own', (subject) => {
    expect(subjectScope(TokenSubject.parse(subject))).toMatch(/^(user|agent):/)
  })

  test.each([
    '',
    'ada',
    'user:',
    'user:a b',
    'user:a:b',
    `user:${'x'.repeat(65)}`,
    'user:admin',
    'agent:council',
    'mode:manual',
  ])('is never "%s"', (subject) => {
    expect(TokenSubject.safeParse(subject).success).toBe(false)
  })
})
