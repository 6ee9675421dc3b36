import { WebSocket } from 'ws'
import { platformSocket, type OpenSocket } from '../../src/client/socket.ts'

/** The sockets with which the client is tested: Node's own, which browsers have too, and the package `ws`. */
export const sockets: readonly [string, OpenSocket][] = [
  ['the socket of the platform', platformSocket],
  ['the package ws', (url, protocol, headers) => new WebSocket(url, protocol, { headers })],
]
