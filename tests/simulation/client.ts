import type { CommandResult } from '../../src/commands/gate/types.ts'
import type { CommandGate } from '../../src/commands/gate/gate.ts'
import { Principal, type Uuid7 } from '../../src/events/identifiers.ts'
import type { ClientCommand } from './client-commands.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'

/** `lost`: the gate died before it answered, or none was running. `threw`: the gate threw an error. */
export type Answer = CommandResult | { result: 'lost'; reached: boolean } | { result: 'threw'; message: string }

/** One call of a gate, with the ticks of its start and of its answer. */
export type Call = { answer: Answer | undefined; from: number; to: number }

/** The calls of a client under one command id. */
export type IssuedCommand = { command: ClientCommand; commandId: Uuid7; calls: Call[] }

export type Gates = {
  /** A random gate, if it runs. */
  some: () => { owner: Owner; gate: CommandGate } | undefined
  newId: () => Uuid7
  history: IssuedCommand[]
  /** Numbers calls and answers in their order. */
  tick: () => number
}

export type Client = {
  owner: Owner
  /** Sends a command under one id until an answer is final. */
  insist: (command: ClientCommand, commandId?: Uuid7) => Promise<Answer>
  /** Sends a command once. */
  call: (issued: IssuedCommand) => Promise<Answer>
  /** Sends another command under a used id. The gate must not take it for the first one. */
  reuseId: (commandId: Uuid7, command: ClientCommand) => Promise<Answer>
}

const longestPauseMs = 3_000
const retried = ['outcome_unknown', 'log_unavailable', 'overloaded', 'log_stopped']
export const isRetried = (answer: Answer): boolean =>
  answer.result === 'lost' || (answer.result === 'rejected' && retried.includes(answer.code))

export function createClient(name: string, { step, newOwner }: Scheduler, random: Random, gates: Gates): Client {
  const owner = newOwner(name)
  const principal = Principal.parse(name)

  async function send(command: ClientCommand, commandId: Uuid7): Promise<Answer> {
    const found = gates.some()
    if (!found) return { result: 'lost', reached: false }
    try {
      const answer = await Promise.race([command.of(found.gate, { commandId, principal }), found.owner.died])
      return answer === 'died' ? { result: 'lost', reached: true } : answer
    } catch (error) {
      return { result: 'threw', message: error instanceof Error ? error.message : 'no error' }
    }
  }

  async function call({ command, commandId, calls }: IssuedCommand): Promise<Answer> {
    const made: Call = { answer: undefined, from: gates.tick(), to: Infinity }
    calls.push(made)
    made.answer = await send(command, commandId)
    made.to = gates.tick()
    return made.answer
  }

  return {
    owner,
    call,
    async insist(command, commandId = gates.newId()) {
      const issued: IssuedCommand = { command, commandId, calls: [] }
      gates.history.push(issued)
      for (;;) {
        // An impatient client calls two gates at once.
        const answers = await Promise.all(random.happens(0.1) ? [call(issued), call(issued)] : [call(issued)])
        const answer = answers.find((one) => !isRetried(one))
        if (answer) {
          if (random.happens(0.1)) await call(issued)
          return answer
        }
        await step(owner, `sends ${command.name} again`, random.below(longestPauseMs))
      }
    },
    reuseId: (commandId, other) => send(other, commandId),
  }
}
