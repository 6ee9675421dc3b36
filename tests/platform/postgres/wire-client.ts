import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * A Postgres client that sends the messages of its protocol one by one, where a real one sends them together:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export type WireClient = {
  send: (...messages: Buffer[]) => void
  /** Resolves with the types and texts of all answers since the last call, once one of this type has come. */
  until: (type: string) => Promise<string[]>
  /** Cuts the connection in the middle of whatever it is in; resolves when the server has noticed. */
  vanish: () => Promise<void>
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(type.length + 4)
  head.write(type)
  head.writeInt32BE(body.length + 4, type.length)
  return Buffer.concat([head, body])
}

const noValues = Buffer.alloc(2)
export const query = (sql: string): Buffer => message('Q', text(sql))
export const parse = (sql: string): Buffer => message('P', text(''), text(sql), noValues)
export const bindAndExecute = (): Buffer =>
  Buffer.concat([
    message('B', text(''), text(''), noValues, noValues, noValues),
    message('E', text(''), Buffer.alloc(4)),
  ])
export const flush = (): Buffer => message('H')
export const sync = (): Buffer => message('S')

/** Connects to the Unix socket of a Postgres as its user `postgres`, without password. */
export async function wireClient(socketPath: string): Promise<WireClient> {
  const socket = connect(socketPath)
  const answers = answersOf(socket)
  const startup = Buffer.concat([
    Buffer.from([0, 3, 0, 0]),
    ...['user', 'postgres', 'database', 'postgres', ''].map(text),
  ])
  socket.write(message('', startup))
  await answers.until('Z')
  return {
    send: (...messages) => void socket.write(Buffer.concat(messages)),
    until: answers.until,
    vanish: async () => {
      socket.end()
      await once(socket, 'close')
    },
  }
}

function answersOf(socket: Socket) {
  let unread: Buffer = Buffer.alloc(0)
  let answers: string[] = []
  let failure: Error | undefined
  let wake = (): void => undefined
  socket.on('error', (error) => {
    failure = error
    wake()
  })
  socket.on('data', (data: Buffer) => {
    unread = Buffer.concat([unread, data])
    while (unread.length >= 5 && unread.length > unread.readInt32BE(1)) {
      const end = unread.readInt32BE(1) + 1
      answers.push(
        `${unread.toString('latin1', 0, 1)} ${unread.toString('latin1', 5, end).replace(/[^\x20-\x7e]+/g, '')}`.trim(),
      )
      unread = unread.subarray(end)
    }
    wake()
  })
  const until = async (type: string): Promise<string[]> => {
    while (!answers.some((answer) => answer.startsWith(type))) {
      if (failure) throw failure
      await new Promise<void>((resolve) => (wake = resolve))
    }
    const all = answers
    answers = []
    return all
  }
  return { until }
}
