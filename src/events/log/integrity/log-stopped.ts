import { LogStopped } from '../log.ts'

/** `incarnation` is the one found, '' for none. */
export const logReplaced = (incarnation: string): LogStopped =>
  new LogStopped(
    'log_replaced',
    `Redis holds ${incarnation ? `another log (incarnation ${incarnation})` : 'no log any more'}; nothing is written to it until it is restored: bin/council restore`,
  )

export const logLostItsTail = (found: number, known: number): LogStopped =>
  new LogStopped(
    'log_lost_its_tail',
    `Redis came back with ${found} events, but ${known} are known to have been in it; nothing is written to it until it is restored: bin/council restore`,
  )
