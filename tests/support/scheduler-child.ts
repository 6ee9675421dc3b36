/**
 * A process with a scheduler whose clock is ahead. Prints `acting` once it holds the lease. With a number of appends it kills itself
 * with SIGKILL as soon as it has sent that many, before it knows their outcome.
 * Arguments: Redis URL, council id, how far its clock is ahead (ms), length of the lease (ms), number of appends (0: it lives).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { startScheduler } from '../../src/agents/scheduler/scheduler.ts'
import { createGate } from '../../src/commands/gate/gate.ts'
import { aggregateOf, deadlineRules } from '../../src/commands/registry.ts'
import type { AppendRequest } from '../../src/events/log/log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { newId, openTestCouncil } from './council.ts'

const [redisUrl = '', councilId = '', aheadMs = '', leaseMs = '', lastAppend = ''] = process.argv.slice(2)
const clock = { nowMs: () => systemClock.nowMs() + Number(aheadMs) }
const { log, redis } = await openTestCouncil(redisUrl, councilId, { clock })

let appends = 0
async function append(request: AppendRequest) {
  const answer = log.append(request)
  if (++appends !== Number(lastAppend)) return answer
  // Redis has executed everything that was sent before this answer.
  await redis.ping()
  process.kill(process.pid, 'SIGKILL')
  return new Promise<never>(() => undefined)
}

const scheduler = startScheduler(
  {
    log,
    gate: createGate({ log: { ...log, append }, clock, newId, pause: (ms) => pause(ms), logger: silentLogger }),
    aggregateOf,
    completeIndex: () => log.indexDeadlines(aggregateOf, deadlineRules),
    clock,
    newId,
    sleep: (ms, signal) => pause(ms, undefined, { signal }).catch(() => undefined),
    logger: silentLogger,
  },
  { holder: `child-${process.pid}`, leaseMs: Number(leaseMs) },
)
const watch = setInterval(() => {
  if (scheduler.status().state !== 'acting') return
  console.log('acting')
  clearInterval(watch)
}, 5)
