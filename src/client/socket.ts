/** The part of a WebSocket that the client uses: of a browser, of Node, or of the package `ws`. */
export type ChatSocket = {
  readonly readyState: number
  send: (text: string) => void
  close: (code?: number) => void
  /** Only `ws` can cut a connection. */
  terminate?: () => void
  addEventListener: (type: 'open' | 'message' | 'close' | 'error', listener: (event: SocketEvent) => void) => void
}
/** The fields of all events that sockets emit. */
export type SocketEvent = {
  type: string
  data?: unknown
  code?: number
  reason?: string
  message?: string
  error?: unknown
}

/** Opens a socket with this sub-protocol. A browser cannot send headers. */
export type OpenSocket = (url: string, protocol: string, headers: Record<string, string>) => ChatSocket

/** The `readyState` of an open socket. */
export const isOpen = 1

type SocketClass = new (url: string, options: unknown) => ChatSocket

/** The platform's own WebSocket. Node's takes headers; a browser's takes only the sub-protocol, and sends its cookies. */
export const platformSocket: OpenSocket = (url, protocol, headers) => {
  const Socket = globalThis.WebSocket as SocketClass
  return new Socket(url, 'authorization' in headers ? { protocols: [protocol], headers } : [protocol])
}
