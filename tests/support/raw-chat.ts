import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { adminToken } from './served-council.ts'

/** Opens a TCP connection to a server and sends these bytes. It reads nothing unless the test does. */
export async function rawConnection(url: string, bytes: string | Buffer = ''): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  // A server that cuts the connection is what these tests are about.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  if (bytes.length > 0) socket.write(bytes)
  return socket
}

/** Opens `/ws/chat` by hand, and never reads after the upgrade: not the replies, and not the close frame. */
export async function silentChat(url: string): Promise<Socket> {
  const headers = [
    'GET /ws/chat HTTP/1.1',
    `Host: ${new URL(url).host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
  ]
  headers.push(
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: council.v1',
    `Authorization: Bearer ${adminToken}`,
  )
  const socket = await rawConnection(url, `${headers.join('\r\n')}\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${answer.toString('latin1')}`)
  socket.pause()
  return socket
}

const opcodes = { text: 1, ping: 9 } as const

/** A frame as a client sends it, under a mask of zeros. At most 125 bytes. */
export function clientFrame(kind: keyof typeof opcodes, text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x80 | opcodes[kind], 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

/**
 * Writes frames as fast as the server takes them, until all are out or the connection is cut. Resolves with how many
 * were handed to the kernel.
 */
export async function flood(socket: Socket, frame: (index: number) => Buffer, count: number): Promise<number> {
  const group = 4_000
  let sent = 0
  while (sent < count && socket.writable) {
    const frames = Array.from({ length: Math.min(group, count - sent) }, (_, index) => frame(sent + index))
    if (!socket.write(Buffer.concat(frames)))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined)
    sent += frames.length
  }
  return sent
}
