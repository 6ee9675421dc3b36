import type { TokenScope } from '../../events/token.ts'
import type { ClientFrame } from './frames.ts'

/** The scope that each frame needs; null: none. */
export const frameScopes: Readonly<Record<ClientFrame['type'], TokenScope | null>> = {
  prompt: 'chat:send',
  resume: 'chat:read',
  cancel: 'chat:send',
  approve: 'approvals:write',
  deny: 'approvals:write',
  ping: null,
}

/** A socket needs one of these. */
export const socketScopes: readonly TokenScope[] = ['chat:send', 'chat:read']
