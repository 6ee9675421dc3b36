export type HeadWatch = {
  /** The newest sequence that was read; 0 before the first. */
  sequence: () => number
  stop: () => void
}

const intervalMs = 1_000

/** Reads the newest sequence of a log now and then. While the log is unreachable, the last known one stays in effect. */
export function watchHead(newestSequence: () => Promise<number>): HeadWatch {
  let head = 0
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    head = await newestSequence().catch(() => head)
    isLooking = false
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  return { sequence: () => head, stop: () => clearInterval(timer) }
}
