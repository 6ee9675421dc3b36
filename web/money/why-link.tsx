import { followLink } from '../shell/route.ts'

type WhyLinkProps = {
  /** What the events explain, for those who cannot see where the link stands. */
  of: string
  /** A stream, or the beginning of several with `*`. */
  stream: string
  type?: string
}

/** The way from a figure to the events that it was computed from. */
export function WhyLink({ of, stream, type }: WhyLinkProps) {
  const query = new URLSearchParams({ stream, ...(type !== undefined && { type }) })
  return (
    <a class="why" href={`/log?${query.toString()}`} aria-label={`why? The events of the ${of}`} onClick={followLink}>
      why?
    </a>
  )
}
