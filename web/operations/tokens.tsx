import { useState } from 'preact/hooks'
import { moment } from '../shell/times.ts'
import { IssueDialog } from './issue-dialog.tsx'
import { RevokeDialog } from './revoke-dialog.tsx'
import { tokens, type Token } from './state.ts'

/** The access tokens: who has which rights, and until when. */
export function Tokens() {
  const loaded = tokens.value
  const [isIssuing, setIsIssuing] = useState(false)
  const [revoked, setRevoked] = useState<Token | null>(null)
  return (
    <section class="card panel" aria-label="Tokens">
      <header>
        <h2>Tokens</h2>
        {loaded.state === 'there' ? (
          <button class="button" type="button" onClick={() => setIsIssuing(true)}>
            Issue a token…
          </button>
        ) : null}
      </header>
      {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad small">{loaded.why}</p> : null}
      {loaded.state === 'there' && loaded.value.length === 0 ? (
        <p class="quiet small">No token was issued yet. The first token, in the settings, is not in this list.</p>
      ) : null}
      {loaded.state === 'there' && loaded.value.length > 0 ? (
        <div class="scrolls" tabIndex={0} role="region" aria-label="table of tokens">
          <table class="tokens">
            <thead>
              <tr>
                <th scope="col">label</th>
                <th scope="col">subject</th>
                <th scope="col">scopes</th>
                <th scope="col">issued</th>
                <th scope="col">ends</th>
                <th scope="col">
                  <span class="unseen">revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {loaded.value.map((token) => (
                <Row key={token.token} token={token} onRevoke={() => setRevoked(token)} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {isIssuing ? <IssueDialog onClose={() => setIsIssuing(false)} /> : null}
      {revoked ? <RevokeDialog token={revoked} onClose={() => setRevoked(null)} /> : null}
    </section>
  )
}

function Row({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  const { label, subject, scopes, issuedBy, issuedAt, expiresAt, revokedAt, revokedBy, revokedWhy } = token
  const hasExpired = expiresAt !== null && Date.parse(expiresAt) <= Date.now()
  return (
    <tr class={revokedAt !== null || hasExpired ? 'ended' : ''}>
      <th scope="row">
        {label}
        <span class="id">{token.token}</span>
      </th>
      <td>{subject}</td>
      <td class="scopes">{scopes.join(', ')}</td>
      <td>
        {moment(issuedAt)} by {issuedBy}
      </td>
      <td>
        {revokedAt !== null ? (
          <span title={revokedWhy ?? ''}>
            revoked {moment(revokedAt)} by {revokedBy}
          </span>
        ) : expiresAt === null ? (
          'never'
        ) : (
          `${hasExpired ? 'ended ' : ''}${moment(expiresAt)}`
        )}
      </td>
      <td>
        {revokedAt === null && !hasExpired ? (
          <button class="button" type="button" aria-label={`Revoke ${label}`} onClick={onRevoke}>
            Revoke…
          </button>
        ) : null}
      </td>
    </tr>
  )
}
