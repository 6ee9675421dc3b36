/** An endless queue of values that one reader takes as they come; `push` resolves when the reader is done with that value. */
export type Channel<T> = {
  push: (value: T) => Promise<void>
  end: () => void
  values: () => AsyncGenerator<T, void, void>
}

export function createChannel<T>(): Channel<T> {
  const waiting: { value: T; taken: PromiseWithResolvers<undefined> }[] = []
  let wake = Promise.withResolvers<undefined>()
  let ended = false
  return {
    push: async (value) => {
      const taken = Promise.withResolvers<undefined>()
      waiting.push({ value, taken })
      wake.resolve(undefined)
      await taken.promise
    },
    end: () => {
      ended = true
      wake.resolve(undefined)
    },
    values: async function* () {
      for (;;) {
        const next = waiting.shift()
        if (next === undefined) {
          if (ended) return
          await wake.promise
          wake = Promise.withResolvers<undefined>()
          continue
        }
        try {
          yield next.value
        } finally {
          // Also when the reader stops here: the last value is done with as well.
          next.taken.resolve(undefined)
        }
      }
    },
  }
}
