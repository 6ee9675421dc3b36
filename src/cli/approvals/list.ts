import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'
import { dollarsAndMicros } from '../money.ts'
import { fit } from '../output.ts'
import { Approval } from './approval.ts'

/** `council approvals list`: the actions that wait for a person, or those with another status, newest first. */
export async function listApprovals({ status }: { status: string }, { config, output }: CliContext): Promise<number> {
  const api = councilApi(config)
  let count = 0
  for await (const one of api.rows('/v1/approvals', 'approvals', Approval, { status })) {
    count += 1
    const line = `${one.approval}  ${one.action.padEnd(18)} ${dollarsAndMicros(one.costMicros)}  ${one.risk}, ${one.why}, by ${one.requestedBy}, until ${one.expiresAt}  `
    await output.result(one, () => fit(`${line}${one.exactArguments}`, output.columns))
  }
  if (count === 0) await output.forPeople(`no action is ${status}`)
  return 0
}
