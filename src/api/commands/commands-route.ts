import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { AppendedEvent, CommandResult } from '../../commands/gate/types.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { publicCommands, type PublicCommand } from '../../commands/registry.ts'
import { isAgent, Uuid7 } from '../../events/identifiers.ts'
import { scopesOfPeople, type TokenScope } from '../../events/token.ts'
import { newTraceparent } from '../../platform/trace.ts'
import { identityOf, refuseWithoutScope } from '../access/check-access.ts'
import type { Identity } from '../access/identity.ts'
import type { FindPrompt } from '../chat/find-prompt.ts'
import { hiddenApproval } from '../chat/hidden-approval.ts'
import { commandIdOf, parseCommandKey, type CommandIdDependencies, type CommandKey } from './command-key.ts'
import type { SubjectLimits } from '../limits.ts'
import { answerProblem, sendProblem } from '../problem.ts'
import { rejectionProblem } from '../rejection.ts'

/**
 * `POST /v1/commands/<CommandName>` with the command's fields as JSON and an `Idempotency-Key` that is or maps to its id, which the
 * response carries as `X-Council-Command-Id`. Responds with 200 once the command is durable, and with 202 once it durably waits for a
 * person. A repeat under the same key gets the
 * first response and is not executed again. Every other outcome is a problem.
 */
export function commandsRoute(server: FastifyInstance, dependencies: Dependencies): void {
  server.post<{ Params: { name: string } }>(
    '/v1/commands/:name',
    {
      config: { scope: 'by_command' },
      // Before the body is read.
      onRequest: async (request, reply) => {
        const command = publicCommands.get(request.params.name)
        if (!command) return sendProblem(reply, 'unknown_command', 'there is no command with this name')
        return refuseWithoutScope(request, reply, command.scope)
      },
    },
    async (request, reply) => {
      const identity = identityOf(request)
      const command = publicCommands.get(request.params.name)
      if (!command) throw new Error('the request passed its hooks without a command')
      const scope = scopeOfProposal(command, request.body, identity)
      if (scope && !identity.scopes.has(scope)) return refuseWithoutScope(request, reply, scope)
      const key = parseCommandKey(request.headers['idempotency-key'])
      if (!key)
        return sendProblem(
          reply,
          'malformed_request',
          'Idempotency-Key is missing or malformed: send a UUIDv7, or 1 to 128 visible ASCII characters without spaces, and repeat it with every retry',
        )
      const release = dependencies.limits.inFlight(identity.subject)
      if (!release)
        return sendProblem(reply, 'too_many_in_flight', 'too many commands are in flight; wait for one to finish')
      try {
        return await execute(dependencies, reply, command, key, request.body, identity)
      } finally {
        release()
      }
    },
  )
}

type Dependencies = CommandIdDependencies & {
  gate: Pick<CommandGate, 'execute' | 'load' | 'stoppedBy'>
  limits: Pick<SubjectLimits, 'inFlight'>
  findPrompt: FindPrompt
}

async function execute(
  dependencies: Dependencies,
  reply: FastifyReply,
  command: PublicCommand,
  key: CommandKey,
  body: unknown,
  identity: Identity,
): Promise<FastifyReply> {
  const { subject: principal } = identity
  const known = await commandIdOf(dependencies, principal, key)
  if (!known.ok) return answer(reply, known.rejection)
  const commandId = known.id
  void reply.header('x-council-command-id', commandId)
  const input = filledIn(command, body, commandId, identity)
  if (!input.ok) return sendProblem(reply, 'malformed_request', input.problem)
  const hidden = await hiddenApprovalOf(dependencies, command, input.value, identity)
  if (hidden) return answer(reply, hidden)
  const context = {
    commandId,
    ...('key' in key && { idempotencyKey: key.key }),
    principal,
    traceparent: newTraceparent(),
  }
  return answer(reply, await dependencies.gate.execute(command.definition, input.value, context))
}

type Input = { ok: true; value: unknown } | { ok: false; problem: string }

/** Adds the fields that come from the request itself: the command's id, and the tokens of the caller. */
function filledIn({ definition }: PublicCommand, body: unknown, commandId: Uuid7, { tokens }: Identity): Input {
  const { idField, issuersField } = definition
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { ok: true, value: body }
  if (idField && Object.hasOwn(body, idField))
    return { ok: false, problem: `${idField} is the command's id: leave it out` }
  if (issuersField && Object.hasOwn(body, issuersField))
    return { ok: false, problem: `${issuersField} is your token and its issuers: leave it out` }
  return {
    ok: true,
    value: { ...body, ...(idField && { [idField]: commandId }), ...(issuersField && { [issuersField]: tokens }) },
  }
}

const Proposal = z.looseObject({ action: z.string() })

/**
 * The scope of the action that an agent proposes: the mode may let it run without a person. Null if agents never hold that scope, because
 * a proposal is their only way to such an action, and for people, whose proposals always wait for another person.
 */
function scopeOfProposal({ definition }: PublicCommand, body: unknown, { subject }: Identity): TokenScope | null {
  const proposal = Proposal.safeParse(body)
  if (definition.name !== 'RequestApproval' || !isAgent(subject) || !proposal.success) return null
  const scope = publicCommands.get(proposal.data.action)?.scope
  return scope === undefined || scopesOfPeople.includes(scope) ? null : scope
}

const AboutApproval = z.looseObject({ approvalId: Uuid7 })

/** The result of a command about an approval that its caller may not see: that of an approval that does not exist. */
async function hiddenApprovalOf(
  dependencies: Dependencies,
  { scope }: PublicCommand,
  input: unknown,
  identity: Identity,
): Promise<CommandResult | null> {
  const about = AboutApproval.safeParse(input)
  if (scope !== 'approvals:write' || !about.success) return null
  const { approvalId } = about.data
  const hidden = await hiddenApproval(dependencies, identity, approvalId)
  if (!hidden) return null
  return hidden.code === 'approval_unknown'
    ? { result: 'refused', code: hidden.code, details: { approvalId } }
    : { result: 'rejected', code: hidden.code, message: hidden.message }
}

/** The newest revision of each stream. */
const revisionsOf = (events: readonly AppendedEvent[]): Record<string, number> =>
  Object.fromEntries(events.map(({ stream, revision }) => [stream, revision]))

function answer(reply: FastifyReply, result: CommandResult): FastifyReply {
  switch (result.result) {
    case 'appended':
    case 'duplicate':
      return reply.send({
        result: result.result,
        position: result.position,
        revisions: revisionsOf(result.events),
        events: result.events,
      })
    case 'approval_required':
      return reply
        .code(202)
        .send({
          result: result.result,
          approvalId: result.approvalId,
          position: result.position,
          events: result.events,
        })
    case 'refused': {
      const { code, details } = result
      return answerProblem(reply, {
        status: 422,
        code,
        detail: `refused: ${code.replaceAll('_', ' ')}`,
        ...(details && { details }),
      })
    }
    case 'rejected':
      return answerProblem(reply, rejectionProblem(result))
    default:
      return result satisfies never
  }
}
