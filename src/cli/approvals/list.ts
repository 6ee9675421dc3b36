import { z } from 'zod'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'
import { dollarsAndMicros } from '../money.ts'
import { fit } from '../output.ts'
import { Approval } from './approval.ts'

const Page = z.object({ approvals: z.array(Approval), next: z.string().nullable() })

/** `council approvals list`: the actions that wait for a person, or those with another status, newest first. */
export async function listApprovals({ status }: { status: string }, { config, output }: CliContext): Promise<number> {
  const api = councilApi(config)
  let count = 0
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: z.infer<typeof Page> = await api.get(
      `/v1/approvals?status=${status}${cursor === '' ? '' : `&cursor=${cursor}`}`,
      Page,
    )
    for (const one of page.approvals) {
      count += 1
      const line = `${one.approval}  ${one.action.padEnd(18)} ${dollarsAndMicros(one.costMicros)}  ${one.risk}, ${one.why}, by ${one.requestedBy}, until ${one.expiresAt}  `
      await output.result(one, () => fit(`${line}${one.exactArguments}`, output.columns))
    }
    cursor = page.next
  }
  if (count === 0) await output.forPeople(`no action is ${status}`)
  return 0
}
