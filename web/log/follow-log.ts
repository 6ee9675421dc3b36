import { addNewest, newestEvents } from './events.ts'

const everyMs = 1_500

/** Adds the events of the filters to the list as they are recorded, while the page is in view. Returns the function that stops it. */
export function followLog(query: string): () => void {
  let isOver = false
  const look = async (): Promise<void> => {
    if (document.visibilityState === 'visible') {
      const newest = await newestEvents(query).catch(() => [])
      if (!isOver) addNewest(query, newest)
    }
    if (!isOver) timer = setTimeout(() => void look(), everyMs)
  }
  let timer = setTimeout(() => void look(), everyMs)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
