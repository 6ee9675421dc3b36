import { ClientError } from '../src/client/client-error.ts'

/** Asks the server to do something that is no command. Throws ClientError with the code of its problem. */
export async function operate<Body>(method: 'POST' | 'DELETE', path: string): Promise<Body> {
  const response = await fetch(path, { method }).catch(() => {
    throw new ClientError('connection_lost', 'the council does not answer')
  })
  const body = (await response.json()) as Body & { code?: string; detail?: string }
  if (response.ok) return body
  const code = { fromServer: body.code ?? 'internal', status: response.status }
  throw new ClientError(code, body.detail ?? `the council answers ${response.status}`)
}
