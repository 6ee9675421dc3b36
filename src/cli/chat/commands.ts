import { Option, type Command } from 'commander'
import type { RunCommand } from '../context.ts'
import type { ChatOptions } from './chat.ts'

/** `council chat`. */
export function addChatCommand(program: Command, run: RunCommand): void {
  program
    .command('chat')
    .description('ask the council and stream its answer; without a question, start a conversation')
    .argument('[question]', 'if omitted, questions are read from stdin, one per line')
    .addOption(new Option('--path <path>', 'how to answer; by default the council decides').choices(['fast', 'full']))
    .option('--conversation <id>', 'the conversation to continue')
    .option('--verbose', 'also show the whole drafts, and who has reviewed them')
    .action((question: string | undefined, options: ChatOptions) =>
      run(async (context) =>
        question === undefined
          ? (await import('./session.ts')).chatSession(options, context)
          : (await import('./chat.ts')).chat(question, options, context),
      ),
    )
}
