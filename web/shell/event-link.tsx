import { followLink } from './route.ts'

/** The way to an event in the log, by its position. `of`: what the event is, where it is not plain. */
export const EventLink = ({ position, of }: { position: string; of?: string }) => (
  <a class="why" href={`/log?event=${position}`} title={`${of ?? 'The event'} at ${position}`} onClick={followLink}>
    {of ?? position}
  </a>
)
