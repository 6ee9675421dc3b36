import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const maxWaitMs = 8_000

export type RawResponse = { status: number; headers: Record<string, string>; body: string }

/**
 * Sends bytes over a connection of their own, and a request for `/livez` that ends the connection after them. Resolves
 * with every response until the server has closed it, in order.
 */
export async function exchange(url: string, bytes: string | Buffer, method = ''): Promise<RawResponse[]> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const received: Buffer[] = []
  socket.on('data', (data: Buffer) => {
    received.push(data)
    // From here on the connection would speak another protocol, and the server waits for its end.
    if (data.includes('HTTP/1.1 101 ')) socket.destroy()
  })
  // A server that has answered and closed may reset what is still on its way to it.
  socket.on('error', () => undefined)
  socket.write(bytes)
  socket.write('GET /livez HTTP/1.1\r\nHost: council\r\nConnection: close\r\n\r\n')
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)))
  const isClosed = await Promise.race([closed, delay(maxWaitMs, false, { ref: false })])
  if (!isClosed) {
    socket.destroy()
    throw new Error(
      `the server did not close the connection within ${maxWaitMs} ms after ${JSON.stringify(bytes.toString('latin1').slice(0, 2000))}`,
    )
  }
  return responses(Buffer.concat(received).toString('latin1'), method)
}

function responses(text: string, method: string): RawResponse[] {
  const found: RawResponse[] = []
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n')
    const [start = '', ...lines] = rest.slice(0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1])
    if (end < 0 || Number.isNaN(status)) throw new Error(`not a response: ${JSON.stringify(rest.slice(0, 200))}`)
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    rest = rest.slice(end + 4)
    // After 101 the connection speaks another protocol.
    if (status === 101) return [...found, { status, headers, body: '' }]
    if (status === 100) continue
    const length = method === 'HEAD' && found.length === 0 ? 0 : Number(headers['content-length'])
    if (Number.isNaN(length)) throw new Error(`a response without a length: ${start}`)
    found.push({ status, headers, body: Buffer.from(rest.slice(0, length), 'latin1').toString('utf8') })
    rest = rest.slice(length)
  }
  return found
}

/** A request as text. */
export const printRequest = (method: string, path: string, headers: Record<string, string> = {}, body = ''): string =>
  `${method} ${path} HTTP/1.1\r\n${Object.entries({ Host: 'council', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${body}`
