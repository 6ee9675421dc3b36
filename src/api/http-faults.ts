import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Access } from './access/access.ts'
import { printProblem, type ProblemCode } from './problem.ts'

/** How long a client may take to read the response before the server cuts the connection. */
const lingerMs = 1_000

const faults: Record<string, [ProblemCode, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers or the URL are larger than 16 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'the extensions of a chunk are larger than 16 KiB'],
  HPE_INVALID_VERSION: ['http_version_unsupported', 'the server speaks HTTP/1.1 only'],
}

/** Answers input that Node's parser rejected. There is no request object, hence no path and no principal. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return
  // Never write into the middle of another response.
  const underWay = '_httpMessage' in socket ? (socket._httpMessage as ServerResponse | null) : null
  if (!socket.writable || underWay?.headersSent) return void socket.destroy()
  endWith(socket, ...(faults[error.code ?? ''] ?? ['malformed_request', 'this is not an HTTP request']))
}

/** Handles what Node would answer without a problem body: unknown expectations, which may be ignored (RFC 9110), and CONNECT. */
export function overrideNodeDefaults(server: FastifyInstance, access: Access): void {
  server.server.on('checkExpectation', (request, response) => server.server.emit('request', request, response))
  server.server.on('connect', (request, socket) => {
    void access.authenticate(request).then(({ outcome }) => {
      if (outcome === 'admitted') endWith(socket, 'method_not_allowed', 'this server is not a proxy')
      else endWith(socket, 'unauthorized', 'Authorization: Bearer <token> is needed')
    })
  })
}

/** Ends a connection with a problem. Discards further input, so that the client can read the response. */
function endWith(socket: Duplex, code: ProblemCode, detail: string): void {
  socket.on('error', () => undefined)
  socket.end(printProblem(code, detail))
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}
