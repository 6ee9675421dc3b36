/**
 * Keeps a scroller at its end while its content grows, until the person scrolls away: streamed text never moves what they read. Returns
 * the function that stops it.
 */
export function followEnd(scroller: HTMLElement): () => void {
  const slackPx = 48
  let isFollowing = true
  const toEnd = (): void => {
    if (isFollowing) scroller.scrollTop = scroller.scrollHeight
  }
  const noteScroll = (): void => {
    isFollowing = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < slackPx
  }
  const grown = new MutationObserver(toEnd)
  grown.observe(scroller, { childList: true, subtree: true, characterData: true })
  scroller.addEventListener('scroll', noteScroll, { passive: true })
  toEnd()
  return () => {
    grown.disconnect()
    scroller.removeEventListener('scroll', noteScroll)
  }
}
