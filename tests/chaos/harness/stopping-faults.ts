import { isDeepStrictEqual } from 'node:util'
import type { RedisServer } from '../../support/redis-server.ts'
import { openTestCouncil } from '../../support/council.ts'
import type { LogStopCode } from '../../../src/events/log/log.ts'
import { violation, type Violation } from '../checks/violation.ts'
import { backUp, cutTail, putBack, undoFlush } from './aof.ts'
import type { Fault } from './fault.ts'
import type { Stage } from './stage.ts'

/**
 * Faults after which no process may write, because Redis lost acknowledged events. The fault then puts the whole log
 * back, as an operator does, so that the checker can judge the whole round. No process may have written to the damaged
 * log.
 */
export const stoppingFaults: readonly Fault[] = [
  {
    name: 'older-aof',
    async strike(stage) {
      const older = await backUp(stage.redis)
      await stage.progress(30)
      return lostTail(stage, () => putBack(stage.redis, older))
    },
  },
  {
    name: 'cut-aof-tail',
    strike: (stage, random) => lostTail(stage, () => cutTail(stage.redis, random.between(10, 40))),
  },
  {
    name: 'flush-all',
    async strike(stage) {
      const council = await openTestCouncil(stage.redis.url, stage.councilId)
      await council.redis.flushall()
      await everyGateStops(stage, 'log_replaced')
      const keys = await council.redis.keys('*')
      council.close()
      await endEverybody(stage)
      if (!(await undoFlush(stage.redis)))
        return [
          violation('written to a lost log', `behind FLUSHALL: ${keys.join(', ') || 'something that is gone again'}`),
        ]
      await beginAgain(stage)
      return []
    },
  },
]

async function lostTail(stage: Stage, damage: () => Promise<unknown>): Promise<Violation[]> {
  const { redis } = stage
  await redis.kill()
  const whole = await backUp(redis)
  await damage()
  await redis.start()
  await everyGateStops(stage, 'log_lost_its_tail')
  const found = await entries(redis, stage.councilId)
  await endEverybody(stage)
  await putBack(redis, whole)
  await redis.start()
  const right = await entries(redis, stage.councilId)
  await redis.kill()
  await beginAgain(stage)
  if (found.length >= right.length)
    return [
      violation(
        'written to a lost log',
        `${found.length} events in what had lost its tail, ${right.length} in the whole log`,
      ),
    ]
  return isDeepStrictEqual(found, right.slice(0, found.length))
    ? []
    : [violation('written to a lost log', 'what had lost its tail is not the beginning of the whole log')]
}

async function everyGateStops(stage: Stage, code: LogStopCode): Promise<void> {
  await Promise.all(stage.of('gate').map((gate) => gate.line(new RegExp(`^stopped ${code}$`))))
}

async function entries(redis: RedisServer, councilId: string): Promise<unknown[]> {
  const council = await openTestCouncil(redis.url, councilId)
  try {
    return await council.redis.xrange(council.keys.log, '-', '+')
  } finally {
    council.close()
  }
}

async function endEverybody({ parts, redis }: Stage): Promise<void> {
  await Promise.all(parts.map((part) => part.kill()))
  await redis.kill()
}

async function beginAgain({ parts, redis }: Stage): Promise<void> {
  await redis.start()
  await Promise.all(parts.map((part) => part.start()))
}
