import type { IncomingMessage } from 'node:http'
import { chatProtocol } from './frames.ts'
import type { ProblemCode } from '../problem.ts'

export const chatPath = '/ws/chat'

type HandshakeFault = { code: ProblemCode; detail: string; headers: Record<string, string> }

const upgradeHeaders = { upgrade: 'websocket', 'sec-websocket-version': '13' }

/** The fault of a WebSocket handshake (RFC 6455, section 4.2.1); null when the request may be upgraded. */
export function handshakeFault({
  method,
  headers,
}: Pick<IncomingMessage, 'method' | 'headers'>): HandshakeFault | null {
  if (
    method !== 'GET' ||
    headers.upgrade?.toLowerCase() !== 'websocket' ||
    !names(headers.connection).includes('upgrade')
  )
    return {
      code: 'upgrade_required',
      detail: 'this is a WebSocket endpoint: request an upgrade',
      headers: { ...upgradeHeaders, connection: 'upgrade, close' },
    }
  if (headers['sec-websocket-version'] !== '13')
    return { code: 'bad_handshake', detail: 'Sec-WebSocket-Version must be 13', headers: upgradeHeaders }
  if (!/^[+/0-9a-z]{22}==$/i.test(headers['sec-websocket-key'] ?? ''))
    return { code: 'bad_handshake', detail: 'Sec-WebSocket-Key must be 16 bytes in base64', headers: {} }
  const offered = headers['sec-websocket-protocol']
  if (offered === undefined) return null
  const protocols = offered.split(',').map((protocol) => protocol.trim())
  if (
    protocols.some((protocol) => !/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(protocol)) ||
    new Set(protocols).size < protocols.length
  )
    return { code: 'bad_handshake', detail: 'Sec-WebSocket-Protocol must be a list of distinct names', headers: {} }
  if (!protocols.includes(chatProtocol))
    return { code: 'subprotocol_unsupported', detail: `the only sub-protocol is ${chatProtocol}`, headers: {} }
  return null
}

const names = (header: string | undefined): string[] =>
  (header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())

/** Whether the path of a request is that of the chat. */
export const isForChat = ({ url }: Pick<IncomingMessage, 'url'>): boolean => (url ?? '').split('?')[0] === chatPath
