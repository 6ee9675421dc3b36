import { approval } from '../../src/commands/aggregates/approval.ts'
import { approved } from '../../src/commands/approval/approved.ts'
import { CloseApproval } from '../../src/commands/approval/close-approval.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { publicCommands } from '../../src/commands/registry.ts'
import { modes } from '../../src/events/governance.ts'
import { Uuid7, type StreamName } from '../../src/events/identifiers.ts'
import type { Job } from '../../src/events/log/jobs/job-queue.ts'
import { commandFor, type ClientCommand } from './client-commands.ts'
import type { Client, Gates } from './client.ts'
import type { Random } from './random.ts'

type PublicDefinition = CommandDefinition<unknown, ReadSet>

function publicCommand(name: string): PublicDefinition {
  const command: { definition: PublicDefinition } | undefined = publicCommands.get(name)
  if (!command) throw new Error(`there is no command ${name}`)
  return command.definition
}

const execute = (name: string, fields: object): ClientCommand => commandFor(publicCommand(name), fields)

const transfer = (random: Random) => ({
  transferId: 'approved',
  from: 'external',
  to: 'reserve',
  amountMicros: 1 + random.below(50),
  reason: 'simulated',
})

/** Switches the mode, sets the policy, asks for an approval, or decides or changes one of the last two that were asked for. */
export function governanceCommand(random: Random, commandId: Uuid7, approvals: Uuid7[]): ClientCommand {
  const dice = random.below(20)
  if (dice === 0) return execute('SwitchMode', { mode: random.pick(modes), reason: 'simulated' })
  if (dice === 1) return execute('SetApprovalPolicy', { timeoutSeconds: random.pick([1, 60, 86_400]) })
  const approvalId = approvals.at(-1 - random.below(Math.min(2, approvals.length)))
  if (approvalId === undefined || dice < 9) {
    approvals.push(commandId)
    return execute('RequestApproval', {
      approvalId: commandId,
      action: 'TransferFunds',
      exactArguments: transfer(random),
    })
  }
  if (dice < 16) return execute('GrantApproval', { approvalId })
  if (dice < 18) return execute('DenyApproval', { approvalId, reason: 'simulated' })
  approvals.push(commandId)
  return execute('EditApproval', { replacementId: commandId, approvalId, exactArguments: transfer(random) })
}

/** Lets a granted approval take effect, as a worker does. */
export async function act(client: Client, gates: Gates, job: Pick<Job, 'entry' | 'stream'>): Promise<void> {
  const state = await stateOf(gates, job.stream)
  if (state?.status !== 'granted') return
  const approvalId = Uuid7.parse(job.stream.slice('approval/'.length))
  const definition = approved(publicCommand(state.action), approvalId, job.entry)
  const result = await client.insist(commandFor(definition, JSON.parse(state.exactArguments)))
  if (result.result === 'refused')
    await client.insist(commandFor(CloseApproval, { approvalId, code: result.code, job: job.entry }))
}

async function stateOf(gates: Gates, stream: StreamName) {
  const found = gates.some()
  const loaded = await Promise.race([found?.gate.load(approval, stream).catch(() => undefined), found?.owner.died])
  return loaded && loaded !== 'died' ? loaded.state : undefined
}
