import type { Uuid7 } from '../../events/identifiers.ts'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'

/** `council token revoke`: ends a token and every token that it issued. */
export async function revokeToken(
  tokenId: Uuid7,
  { reason }: { reason: string },
  { config, output }: CliContext,
): Promise<number> {
  const { position } = await councilApi(config).execute('RevokeToken', { tokenId, reason })
  await output.result({ tokenId, revoked: true, position }, () => `revoked, at ${position ?? ''}`)
  return 0
}
