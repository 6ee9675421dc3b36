/** An unbounded queue with one reader; `push` resolves when the reader has processed the value. */
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
          // This also runs when the reader stops here, because the last value was processed.
          next.taken.resolve(undefined)
        }
      }
    },
  }
}
