import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { identityOf } from '../access/check-access.ts'
import { sendProblem } from '../problem.ts'
import type { BackgroundCommand, CommandRun } from './background-command.ts'
import { printRun } from './print-run.ts'

const Fault = z.looseObject({ kind: z.literal('fault') })
const Summary = z.looseObject({ kind: z.literal('summary') })

/**
 * `GET /v1/verification`: the newest verification of the log that this server has started, with its progress, its verdict and its first
 * faults, as `council audit verify` prints them. `POST` starts one, `DELETE` ends it.
 */
export function verificationRoute(server: FastifyInstance, verification: BackgroundCommand): void {
  const path = '/v1/verification'
  const access = { config: { scope: 'ops:audit' } } as const
  const shown = () => printVerification(verification.latest())

  server.get(path, access, async (_request, reply) => reply.send(shown()))
  server.post(path, access, async (request, reply) => {
    const { subject } = identityOf(request)
    if (!verification.start(['audit', 'verify'], { about: null, startedBy: subject }))
      return sendProblem(reply, 'verification_running', 'this server is verifying the log already')
    return reply.code(202).send(shown())
  })
  server.delete(path, access, async (_request, reply) => {
    if (!(await verification.cancel())) return sendProblem(reply, 'not_found', 'no verification is running')
    return reply.send(shown())
  })
}

function printVerification(run: CommandRun | null) {
  if (!run) return { state: 'never' }
  const verdict = run.results.map((value) => Summary.safeParse(value)).find(({ success }) => success)?.data ?? null
  return { ...printRun(run), verdict, faults: run.results.filter((value) => Fault.safeParse(value).success) }
}
