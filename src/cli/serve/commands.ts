import type { Command } from 'commander'
import type { Config } from '../../platform/config/config.ts'
import { parseRoleList } from '../arguments.ts'
import type { RunCommand } from '../context.ts'
import { roleNames, type RoleName } from './roles.ts'

/** Runs the council; resolves with the exit code. */
export type Serve = (options: { config: Config; roles: readonly RoleName[] }) => Promise<number>

/** `council serve`. */
export function addServeCommand(program: Command, run: RunCommand, serve: Serve): void {
  program
    .command('serve')
    .description('run the council, or some of its roles, until Ctrl-C')
    .option('--roles <list>', `any of ${roleNames.join(', ')}, separated by commas`, parseRoleList, [...roleNames])
    .action(({ roles }: { roles: RoleName[] }) => run(({ config }) => serve({ config, roles })))
}
