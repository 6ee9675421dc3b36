import type { Command } from 'commander'
import type { Uuid7 } from '../../events/identifiers.ts'
import { parseRequestId } from '../arguments.ts'
import type { RunCommand } from '../context.ts'
import type { VerifyOptions } from './verify.ts'

/** `council receipt …`: what an answer cost and how it was voted on, signed. */
export function addReceiptCommands(program: Command, run: RunCommand): void {
  const receipt = program
    .command('receipt')
    .description('the signed receipt of an answer, from a running council: its cost, its calls and its vote')
    .argument('<requestId>', 'its id, a UUIDv7', parseRequestId)
    .action((requestId: Uuid7) => run(async (context) => (await import('./show.ts')).showReceipt(requestId, context)))

  receipt
    .command('verify')
    .description('check a receipt without the council, with its public key')
    .argument('<file>', 'the receipt, JSON; - reads stdin')
    .requiredOption('--public-key <file>', 'the public sealing key of the council, PEM')
    .action((file: string, options: VerifyOptions) =>
      run(async (context) => (await import('./verify.ts')).verifyReceiptFile(file, options, context)),
    )
}
