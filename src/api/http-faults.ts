import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Access } from './access.ts'
import { printProblem, type ProblemCode } from './problem.ts'

/** How long a client has to take the answer before its connection is cut. */
const lingerMs = 1_000

const faults: Record<string, [ProblemCode, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not come in whole within its time'],
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers, or the address, are larger than 16 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'the extensions of a chunk are larger than 16 KiB'],
  HPE_INVALID_VERSION: ['http_version_unsupported', 'this is no HTTP/1.1'],
}

/** Answers what Node's parser could not read. No request exists then, and so neither a path nor a principal. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return
  // Part of another answer may be on its way: nothing may be put into the middle of it.
  const underWay = '_httpMessage' in socket ? (socket._httpMessage as ServerResponse | null) : null
  if (!socket.writable || underWay?.headersSent) return void socket.destroy()
  endWith(socket, ...(faults[error.code ?? ''] ?? ['malformed_request', 'this is no HTTP request']))
}

/** What Node would answer by itself, without a problem of ours: an expectation that it does not know, which may be ignored (RFC 9110), and CONNECT. */
export function answerWhatNodeWould(server: FastifyInstance, access: Access): void {
  server.server.on('checkExpectation', (request, response) => server.server.emit('request', request, response))
  server.server.on('connect', ({ headers }, socket) => {
    if (access.authenticate(headers.authorization)) endWith(socket, 'method_not_allowed', 'this is no proxy')
    else endWith(socket, 'unauthorized', 'Authorization: Bearer <token> is needed')
  })
}

/** Ends a connection with a problem. What the client still sends is thrown away, so that it gets to read the answer. */
function endWith(socket: Duplex, code: ProblemCode, detail: string): void {
  socket.on('error', () => undefined)
  socket.end(printProblem(code, detail))
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}
