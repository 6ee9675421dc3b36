import { isoTime } from '../../platform/clock.ts'
import type { CommandRun } from './background-command.ts'

/** A run as clients see it. */
export const printRun = ({ state, about, startedBy, startedAtMs, endedAtMs, progress, failure }: CommandRun) => ({
  state: state === 'ended' ? (failure ? 'failed' : 'done') : state,
  about,
  startedBy,
  startedAt: isoTime(startedAtMs),
  endedAt: endedAtMs === null ? null : isoTime(endedAtMs),
  progress,
  failure: state === 'ended' ? failure : null,
})
