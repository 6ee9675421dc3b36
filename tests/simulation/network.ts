import { EventEmitter } from 'node:events'
import type { Link } from '../support/memory-log/read.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import type { FaultRates } from './fault-rates.ts'

export type Network = {
  /** Connects one process with the log. */
  link: (owner: Owner) => Link
  /** Emits `close` when the connections break. */
  connections: EventEmitter
  /** Restarts the log's server: every connection breaks, with its requests in flight. */
  cut: () => void
}

export type NetworkDependencies = {
  scheduler: Scheduler
  random: Random
  faultRates: () => FaultRates
  /** Called after the log has processed a request. */
  served: () => void
}

const timeOutMs = 800
const longestDelayMs = 30_000

/** A request takes one step and its answer another. Either may be lost; a request may also arrive late or twice. */
export function createNetwork({ scheduler, random, faultRates, served }: NetworkDependencies): Network {
  const { step, newOwner } = scheduler
  const wire = newOwner('network')
  // Every process adds a listener and never removes it.
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

/** Serves a request. The returned function returns its answer or throws its error. */
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
