import { EventEmitter } from 'node:events'
import type { Link } from '../support/memory-log/read.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import type { FaultRates } from './fault-rates.ts'

export type Network = {
  /** Between one process and the log. */
  link: (owner: Owner) => Link
  /** Says `close` whenever that happens. */
  connections: EventEmitter
  /** The log's server restarts: every connection breaks, and with it every request that is on its way. */
  cut: () => void
}

export type NetworkDependencies = {
  scheduler: Scheduler
  random: Random
  faultRates: () => FaultRates
  /** Called whenever the log has taken a request. */
  served: () => void
}

const timeOutMs = 800
const longestDelayMs = 30_000

/** Requests travel in one step and answers in another; either may be lost, and a request may come late or twice. */
export function createNetwork({ scheduler, random, faultRates, served }: NetworkDependencies): Network {
  const { step, newOwner } = scheduler
  const wire = newOwner('network')
  // Every process has one, and listens to it for as long as it lives.
  const connections = new EventEmitter().setMaxListeners(0)
  let restarts = 0

  return {
    connections,
    cut() {
      restarts++
      connections.emit('close')
    },
    link: (owner) => async (request, serve) => {
      const connection = restarts
      const assertConnected = () => {
        if (connection !== restarts) throw new Error('the connection was lost')
      }
      await step(owner, `${request} sent`)
      assertConnected()
      const { lostRequest, lostAnswer, repeated } = faultRates()
      if (random.happens(lostRequest)) {
        if (request === 'append' && random.happens(0.5)) void deliverLate(serve, () => connection === restarts)
        await step(owner, `${request} lost`, timeOutMs)
        throw new Error('timed out; the request was lost')
      }
      const answer = attempt(serve)
      const again = random.happens(repeated) ? attempt(serve) : answer
      served()
      if (random.happens(lostAnswer)) {
        await step(owner, `answer to ${request} lost`, timeOutMs)
        throw new Error('timed out; the answer was lost')
      }
      await step(owner, `${request} answered`)
      assertConnected()
      return (random.happens(0.5) ? again : answer)()
    },
  }

  async function deliverLate(serve: () => unknown, isConnected: () => boolean): Promise<void> {
    await step(wire, 'a late append arrives', random.below(longestDelayMs))
    if (!isConnected()) return
    attempt(serve)
    served()
  }
}

/** What came of it, to be returned or thrown when it has arrived. */
function attempt<T>(serve: () => T): () => T {
  try {
    const answer = serve()
    return () => answer
  } catch (error) {
    return () => {
      throw error
    }
  }
}
