import { z } from 'zod'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'
import { fit } from '../output.ts'

const Token = z.looseObject({
  token: z.string(),
  subject: z.string(),
  scopes: z.array(z.string()),
  label: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
})

/** `council token list`: the tokens of the one who asks, newest first. */
export async function listTokens({ config, output, clock }: CliContext): Promise<number> {
  let count = 0
  for await (const one of councilApi(config).rows('/v1/tokens', 'tokens', Token, {})) {
    count += 1
    const line = `${one.token}  ${one.subject}  ${stateOf(one, clock.nowMs())}  ${one.scopes.join(',')}  ${one.label}`
    await output.result(one, () => fit(line, output.columns))
  }
  if (count === 0) await output.forPeople('no token was issued')
  return 0
}

function stateOf({ expiresAt, revokedAt }: z.infer<typeof Token>, nowMs: number): string {
  if (revokedAt !== null) return `revoked ${revokedAt}`
  if (expiresAt === null) return 'without an end'
  return `${Date.parse(expiresAt) <= nowMs ? 'expired' : 'until'} ${expiresAt}`
}
