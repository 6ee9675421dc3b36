import { LogStopped } from '../../src/events/log/log.ts'
import type { Link } from '../support/memory-log/read.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import type { Weather } from './weather.ts'

export type Network = {
  /** Between one process and the log. */
  link: (owner: Owner) => Link
  /** The log's server restarts: every connection breaks, and with it every request that is on its way. */
  cut: () => void
}

export type NetworkDependencies = {
  scheduler: Scheduler
  random: Random
  weather: () => Weather
  /** Called whenever the log has taken a request. */
  served: () => void
  /** Whether the log has everything that is archived. Every process looks after a reconnect, before it writes. */
  isWhole: () => boolean
}

const timeOutMs = 800
const longestDelayMs = 30_000

/** Requests travel in one step and answers in another; either may be lost, and a request may come late or twice. */
export function createNetwork({ scheduler, random, weather, served, isWhole }: NetworkDependencies): Network {
  const { step, newOwner } = scheduler
  const wire = newOwner('network')
  let restarts = 0

  return {
    cut: () => void restarts++,
    link: (owner) => {
      let known = restarts
      return async (request, serve) => {
        if (known !== restarts && request === 'append') {
          await step(owner, 'looks at the log again')
          if (!isWhole()) throw new LogStopped('log_lost_its_tail', 'the log came back with less than is archived')
          known = restarts
        }
        const connection = restarts
        const assertConnected = () => {
          if (connection !== restarts) throw new Error('the connection was lost')
        }
        await step(owner, `${request} sent`)
        assertConnected()
        const { lostRequest, lostAnswer, repeated } = weather()
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
      }
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
