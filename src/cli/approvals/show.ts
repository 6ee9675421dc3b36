import type { Uuid7 } from '../../events/identifiers.ts'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'
import { dollarsAndMicros } from '../money.ts'
import { Approval } from './approval.ts'

/** `council approvals show`: one action with its exact arguments, who asked for it, and what became of it. */
export async function showApproval(approvalId: Uuid7, { config, output }: CliContext): Promise<number> {
  const one = await councilApi(config).get(`/v1/approvals/${approvalId}`, Approval)
  const decided = one.decidedAt === null ? [] : [`decided    ${one.decidedBy ?? 'the clock'}, ${one.decidedAt}`]
  await output.result(one, () => [
    output.paint('bold', `${one.action}  ${one.status}`),
    `cost       ${dollarsAndMicros(one.costMicros)}`,
    `risk       ${one.risk}`,
    `waits for  ${one.why} (mode ${one.mode})`,
    `asked by   ${one.requestedBy}, ${one.requestedAt}${one.editedBy === null ? '' : `; arguments changed by ${one.editedBy}`}`,
    ...(one.requestId === null ? [] : [`prompt     ${one.requestId}`]),
    `expires    ${one.expiresAt}, which means no`,
    ...decided,
    ...(one.reason === null ? [] : [`reason     ${one.reason}`]),
    ...(one.outcome === null
      ? []
      : [`outcome    ${one.outcome}${one.outcomeCode === null ? '' : `: ${one.outcomeCode}`}`]),
    `events     ${one.positions.first} to ${one.positions.last}`,
    `arguments  SHA-256 ${one.argumentsHash}`,
    ...JSON.stringify(JSON.parse(one.exactArguments), null, 2).split('\n'),
  ])
  return 0
}
