import { ModelError } from '../model.ts'

/** The pending token counts of the model process. */
export type Counts = {
  /** Sends a request with a new id. Rejects with ModelError `model_unavailable` when the process dies or has no model. */
  ask: (send: (id: number) => void) => Promise<number>
  answered: (id: number, tokens: number | null) => void
  failAll: (reason: string) => void
}

export function createCounts(): Counts {
  const waiting = new Map<number, PromiseWithResolvers<number>>()
  let lastId = 0
  const unavailable = (reason: string) =>
    new ModelError('model_unavailable', `The embedded model counts no tokens: ${reason}`)
  return {
    ask: (send) => {
      lastId += 1
      const count = Promise.withResolvers<number>()
      waiting.set(lastId, count)
      send(lastId)
      return count.promise
    },
    answered: (id, tokens) => {
      const count = waiting.get(id)
      waiting.delete(id)
      if (tokens === null) count?.reject(unavailable('it is not loaded'))
      else count?.resolve(tokens)
    },
    failAll: (reason) => {
      for (const count of waiting.values()) count.reject(unavailable(reason))
      waiting.clear()
    },
  }
}
