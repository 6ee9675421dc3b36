import type { Command } from 'commander'
import type { Uuid7 } from '../../events/identifiers.ts'
import { tokenScopes, type TokenScope } from '../../events/token.ts'
import { parseExpiry, parseTokenId, parseTokenScopes, type Expiry } from '../arguments.ts'
import type { RunCommand } from '../context.ts'

/** `council token …`: who may do what. */
export function addTokenCommands(program: Command, run: RunCommand): void {
  const token = program.command('token').description('access tokens and their scopes, in a running council')

  token
    .command('issue')
    .description('make a token with at most the rights of your own; prints it once')
    .requiredOption('--scopes <scopes>', `comma-separated: ${tokenScopes.join(', ')}`, parseTokenScopes)
    .option('--subject <subject>', 'user:<id> or agent:<id>, which only admin may name; default: your own')
    .option('--expires <when>', 'after hours or days (12h, 30d), or at the end of a day or a time', parseExpiry)
    .option('--label <text>', 'what it is for', 'issued on the command line')
    .action((options: { scopes: TokenScope[]; subject?: string; expires?: Expiry; label: string }) =>
      run(async (context) => (await import('./issue.ts')).issueToken(options, context)),
    )

  token
    .command('list')
    .description('your tokens, newest first; admin sees those of everyone')
    .action(() => run(async (context) => (await import('./list.ts')).listTokens(context)))

  token
    .command('revoke')
    .description('end a token, and every token that it issued, for good')
    .argument('<tokenId>', 'its id, a UUIDv7', parseTokenId)
    .option('--reason <text>', 'why; it is recorded', 'revoked on the command line')
    .action((tokenId: Uuid7, options: { reason: string }) =>
      run(async (context) => (await import('./revoke.ts')).revokeToken(tokenId, options, context)),
    )
}
