import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { processLine } from './process-line.ts'

const acceptQueue = 1

/**
 * An address at which a connection can be asked for but is never made: a stopped process whose queue of connections is
 * full, so that the kernel drops every further wish. It lives as long as the test.
 */
export async function unacceptingServer(): Promise<string> {
  const listener = spawn(process.execPath, [
    '-e',
    `const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: ${acceptQueue} }, () => console.log('port', s.address().port))`,
  ])
  const waiting: Socket[] = []
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy()
    listener.kill('SIGKILL')
  })
  const port = Number((await processLine(listener, /^port/)).split(' ')[1])
  listener.kill('SIGSTOP')
  // Linux lets one more in than the queue is long.
  for (let taken = 0; taken <= acceptQueue; taken += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    waiting.push(socket)
    await once(socket, 'connect')
  }
  return `http://127.0.0.1:${port}`
}
