import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Uuid7 } from '../../events/identifiers.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { parseStrictJson } from '../../platform/strict-json.ts'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'

/**
 * `council approvals approve`: lets an action run with the arguments that it has now. With `--edit` the arguments of the file replace
 * them first, in a proposal of its own, which is then approved.
 */
export async function approve(
  approvalId: Uuid7,
  { edit }: { edit?: string },
  { config, output }: CliContext,
): Promise<number> {
  const api = councilApi(config)
  const edited =
    edit === undefined ? null : await api.execute('EditApproval', { approvalId, exactArguments: argumentsIn(edit) })
  const shown = edited?.result === 'approval_required' ? edited.approvalId : approvalId
  if (shown !== approvalId) output.note(`the changed action is ${shown}`)
  const { position } = await api.execute('GrantApproval', { approvalId: shown })
  await output.result({ approval: shown, decision: 'granted', position }, () => `granted, at ${position ?? ''}`)
  return 0
}

/** `council approvals deny`: refuses an action for good. */
export async function deny(
  approvalId: Uuid7,
  { reason }: { reason: string },
  { config, output }: CliContext,
): Promise<number> {
  const { position } = await councilApi(config).execute('DenyApproval', { approvalId, reason })
  await output.result({ approval: approvalId, decision: 'denied', position }, () => `denied, at ${position ?? ''}`)
  return 0
}

function argumentsIn(file: string): object {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError('usage', `--edit: ${messageOf(error)}`)
  }
  const json = parseStrictJson(text)
  const parsed = z.record(z.string(), z.json()).safeParse(json.ok ? json.value : undefined)
  if (!parsed.success) throw new CliError('usage', `--edit: ${file} must hold one JSON object`)
  return parsed.data
}
