import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'
import { answerRequests } from './measured-process.ts'

export type EchoReply = { url: string }

/** The limit of streaming: a WebSocket server that sends each frame to Redis and back, and then back to its client. */
const [redisUrl = ''] = process.argv.slice(2)
const redis = connectRedis({ url: redisUrl, role: 'command', name: 'bench-echo', logger: silentLogger })
await whenRedisReady(redis, 60_000)

const server = Fastify()
await server.register(websocket, { options: { perMessageDeflate: false } })
server.get('/', { websocket: true }, (socket) => {
  socket.on('message', (frame: Buffer) => {
    void redis.echo(frame).then((echoed) => socket.send(echoed))
  })
})
const address = await server.listen({ host: '127.0.0.1', port: 0 })

answerRequests<EchoReply>(
  () => Promise.resolve({ url: address.replace('http', 'ws') }),
  () => redis.disconnect(),
)
