/** Passes events on to a reader, and calls `cut` once when the reader takes no further one for `withinMs`. */
export async function* cutSlowReader<Event>(
  events: AsyncIterable<Event>,
  withinMs: number,
  cut: () => void,
): AsyncGenerator<Event, void> {
  for await (const event of events) {
    const timer = setTimeout(cut, withinMs)
    try {
      yield event
    } finally {
      clearTimeout(timer)
    }
  }
}
