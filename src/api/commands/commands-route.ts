import type { FastifyInstance, FastifyReply } from 'fastify'
import type { AppendedEvent, CommandResult, RejectionCode } from '../../commands/gate/types.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { publicCommands, type PublicCommand } from '../../commands/registry.ts'
import type { Principal, Uuid7 } from '../../events/identifiers.ts'
import { newTraceparent } from '../../platform/trace.ts'
import { commandIdOf, parseCommandKey, type CommandIdDependencies, type CommandKey } from './command-key.ts'
import type { SubjectLimits } from '../limits.ts'
import { answerProblem, sendProblem } from '../problem.ts'

/** The response to each rejection of the gate. */
const rejections: Record<RejectionCode, { status: number; retryAfterSeconds?: number }> = {
  malformed_command: { status: 400 },
  command_id_reused: { status: 409 },
  id_expired: { status: 410 },
  id_ahead: { status: 400 },
  state_too_large: { status: 500 },
  overloaded: { status: 503, retryAfterSeconds: 1 },
  log_nearly_full: { status: 503, retryAfterSeconds: 30 },
  log_unavailable: { status: 503, retryAfterSeconds: 1 },
  outcome_unknown: { status: 503, retryAfterSeconds: 1 },
  // Until an operator intervenes.
  log_stopped: { status: 503, retryAfterSeconds: 30 },
  // Only the scheduler's own commands are given under a lease.
  fenced: { status: 503, retryAfterSeconds: 1 },
}

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
      // Before the body is read.
      onRequest: async (request, reply) => {
        if (!publicCommands.has(request.params.name))
          return sendProblem(reply, 'unknown_command', 'there is no command with this name')
        return undefined
      },
    },
    async (request, reply) => {
      const { principal } = request
      const command = publicCommands.get(request.params.name)
      if (!principal || !command) throw new Error('the request passed its hooks without a principal or a command')
      const key = parseCommandKey(request.headers['idempotency-key'])
      if (!key)
        return sendProblem(
          reply,
          'malformed_request',
          'Idempotency-Key is missing or malformed: send a UUIDv7, or 1 to 128 visible ASCII characters without spaces, and repeat it with every retry',
        )
      const release = dependencies.limits.inFlight(principal)
      if (!release)
        return sendProblem(reply, 'too_many_in_flight', 'too many commands are in flight; wait for one to finish')
      try {
        return await execute(dependencies, reply, command, key, request.body, principal)
      } finally {
        release()
      }
    },
  )
}

type Dependencies = CommandIdDependencies & {
  gate: Pick<CommandGate, 'execute' | 'stoppedBy'>
  limits: Pick<SubjectLimits, 'inFlight'>
}

async function execute(
  dependencies: Dependencies,
  reply: FastifyReply,
  command: PublicCommand,
  key: CommandKey,
  body: unknown,
  principal: Principal,
): Promise<FastifyReply> {
  const known = await commandIdOf(dependencies, principal, key)
  if (!known.ok) return answer(reply, known.rejection)
  const commandId = known.id
  void reply.header('x-council-command-id', commandId)
  const input = withId(command, body, commandId)
  if (!input.ok) return sendProblem(reply, 'malformed_request', input.problem)
  const context = {
    commandId,
    ...('key' in key && { idempotencyKey: key.key }),
    principal,
    traceparent: newTraceparent(),
  }
  return answer(reply, await dependencies.gate.execute(command.definition, input.value, context))
}

type Input = { ok: true; value: unknown } | { ok: false; problem: string }

/** Adds the id to commands that have it as a field. */
function withId({ definition: { idField } }: PublicCommand, body: unknown, commandId: Uuid7): Input {
  if (!idField || typeof body !== 'object' || body === null || Array.isArray(body)) return { ok: true, value: body }
  if (Object.hasOwn(body, idField)) return { ok: false, problem: `${idField} is the command's id: leave it out` }
  return { ok: true, value: { ...body, [idField]: commandId } }
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
      return answerProblem(reply, { ...rejections[result.code], code: result.code, detail: result.message })
    default:
      return result satisfies never
  }
}
