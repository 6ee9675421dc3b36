/** A line of the palette. */
export type Entry = {
  id: string
  kind: 'page' | 'conversation' | 'action' | 'log'
  title: string
  /** More words by which it is found, which are shown too. */
  note: string
  run: () => void
}

const mostEntries = 12
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const position = /^\d{10,15}-\d{1,20}$/
const stream = /^[a-z]+\/[A-Za-z0-9:_./-]*\*?$/

/** The address in the log of a request, a position or a stream; null: a text is none of them. */
export function placeInLog(text: string): { title: string; path: string } | null {
  if (uuid.test(text)) return { title: `Events of the request ${text}`, path: `/log?request=${text}` }
  if (position.test(text)) return { title: `The event at ${text}`, path: `/log?event=${text}` }
  if (!stream.test(text)) return null
  // An unfinished name finds the streams that begin with it.
  const name = /^[a-z]+\/[^*]+$/.test(text) ? text : `${text.replace(/\*$/, '')}*`
  return { title: `Events of the stream ${name}`, path: `/log?stream=${encodeURIComponent(name)}` }
}

/** The entries that match every word of a query, the best first: those that begin with it, then those with it in their title. */
export function matching(entries: readonly Entry[], query: string): Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return entries.slice(0, mostEntries)
  const scored = entries.flatMap((entry) => {
    const [title, note] = [entry.title.toLowerCase(), entry.note.toLowerCase()]
    if (!words.every((word) => title.includes(word) || note.includes(word))) return []
    const isInTitle = words.every((word) => title.includes(word))
    const score = !isInTitle ? 2 : title.startsWith(words[0] ?? '') ? 0 : 1
    return [{ entry, score }]
  })
  return scored
    .toSorted((a, b) => a.score - b.score)
    .slice(0, mostEntries)
    .map(({ entry }) => entry)
}
