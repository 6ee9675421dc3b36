import type { TokenScope } from '../../events/token.ts'
import { topicScopes } from '../live/topic.ts'
import type { ClientFrame } from './frames.ts'

/** The scope that each frame needs; null: none, or that of each topic. */
export const frameScopes: Readonly<Record<ClientFrame['type'], TokenScope | null>> = {
  prompt: 'chat:send',
  resume: 'chat:read',
  cancel: 'chat:send',
  approve: 'approvals:write',
  deny: 'approvals:write',
  subscribe: null,
  unsubscribe: null,
  ping: null,
}

/** A socket needs one of these. */
export const socketScopes: readonly TokenScope[] = [...new Set<TokenScope>(['chat:send', 'chat:read', ...topicScopes])]
