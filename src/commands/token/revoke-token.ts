import { z } from 'zod'
import { maxReasonCharacters } from '../../events/account.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { adminSubject, tokenStream } from '../../events/token.ts'
import { token } from '../aggregates/token.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Revokes a token for good, and with it every token that it issued. A subject revokes its own tokens, and `admin` any: only `admin`
 * issues tokens to others. Another's token is answered as one that does not exist.
 */
export const RevokeToken = defineCommand({ token })({
  name: 'RevokeToken',
  schema: z.strictObject({ tokenId: Uuid7, reason: z.string().trim().min(1).max(maxReasonCharacters) }),
  recordsRefusals: true,
  reads: ({ tokenId }) => ({ token: tokenStream(tokenId) }),

  decide({ tokenId, reason }, states, { principal }) {
    const state = states.token
    if (state.status === 'absent' || (state.subject !== principal && principal !== adminSubject))
      return refused('token_unknown', { tokenId })
    if (state.status === 'revoked') return refused('token_revoked', { tokenId })
    return {
      outcome: 'accepted',
      events: { token: [{ type: 'TokenRevoked', data: { tokenId, reason, by: principal } }] },
    }
  },
})
