import { LogStopped } from '../log.ts'

/** `incarnation`: the one found, '' for none. */
export const logReplaced = (incarnation: string): LogStopped =>
  new LogStopped(
    'log_replaced',
    `Redis holds ${incarnation ? `another log (incarnation ${incarnation})` : 'no log any more'}; restore it before anything is written: bin/council restore`,
  )

export const logLostItsTail = (found: number, known: number): LogStopped =>
  new LogStopped(
    'log_lost_its_tail',
    `Redis came back with ${found} events, but it held ${known}; restore it before anything is written: bin/council restore`,
  )
