import { startScheduler } from '../../src/agents/scheduler/scheduler.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import type { CommandGate } from '../../src/commands/gate/gate.ts'
import type { CommandContext, CommandResult } from '../../src/commands/gate/types.ts'
import { aggregateOf } from '../../src/commands/registry.ts'
import type { RecordedEvent } from '../../src/events/event.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import type { Answer, Call, Gates } from './client.ts'
import type { World } from './world.ts'

/** The processes that may act for the clock. One of them holds the lease. */
const clocks = 2
/** Short, so that it passes from one process to the other while commands are under way. */
const leaseMs = 1_500
const dies = 0.02

/** Starts the schedulers. They end once `isOver`. Returns the token of each command that they have sent. */
export function startClocks(world: World, gates: Gates, isOver: () => boolean): ReadonlyMap<string, number> {
  const { scheduler, random, newId } = world
  const tokens = new Map<string, number>()

  function start(name: string): void {
    const owner = scheduler.newOwner(name)
    const gate = gateOf(gates, tokens)
    const running = startScheduler(
      {
        log: world.openLog(owner),
        gate,
        aggregateOf,
        completeIndex: async () => undefined,
        clock: scheduler.clock,
        newId,
        async sleep(ms) {
          await scheduler.step(owner, 'waits for the next deadline', ms)
          if (isOver()) void running.stop()
          else if (random.happens(dies)) {
            start(`${name}'`)
            owner.kill()
          }
        },
        logger: silentLogger,
      },
      { holder: owner.name, leaseMs },
    )
  }
  for (let n = 1; n <= clocks; n++) start(`clock ${n}`)
  return tokens
}

/** Some gate that runs, whose calls are on record like those of clients. */
function gateOf(gates: Gates, tokens: Map<string, number>): Pick<CommandGate, 'execute' | 'load'> {
  const some = () => {
    const found = gates.some()
    if (!found) throw new Error('no gate runs')
    return found
  }
  async function alive<Result>(work: (gate: CommandGate) => Promise<Result>): Promise<Result> {
    const { gate, owner } = some()
    const result = await Promise.race([work(gate), owner.died])
    if (result === 'died') throw new Error('the gate died')
    return result
  }
  return {
    load: (aggregate, stream) => alive((gate) => gate.load(aggregate, stream)),
    async execute<C, Reads extends ReadSet>(
      definition: CommandDefinition<C, Reads>,
      input: unknown,
      context: CommandContext,
    ): Promise<CommandResult> {
      const call: Call = { answer: undefined, from: gates.tick(), to: Infinity }
      const of = (gate: CommandGate) => gate.execute(definition, input, context)
      const command = { name: definition.name, recordsRefusals: false, of }
      gates.history.push({ command, commandId: context.commandId, calls: [call] })
      if (context.fence !== undefined) tokens.set(context.commandId, context.fence)
      const answered = (answer: Answer): void => {
        call.answer = answer
        call.to = gates.tick()
      }
      try {
        const result = await alive(of)
        answered(result)
        return result
      } catch (error) {
        answered({ result: 'lost', reached: true })
        throw error
      }
    },
  }
}

/** The events that a process wrote for the clock although another one had taken over before. */
export function staleWrites(
  events: readonly RecordedEvent[],
  tokens: ReadonlyMap<string, number>,
  newestAt: readonly number[],
): string[] {
  return events.flatMap(({ sequence, type, stream, metadata }) => {
    const token = tokens.get(metadata.commandId)
    const newest = newestAt[sequence - 1]
    return token === undefined || token === newest
      ? []
      : [`${type} on ${stream} was written under the token ${token} of the clock, and the newest was ${newest}`]
  })
}
