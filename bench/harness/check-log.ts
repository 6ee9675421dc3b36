import { z } from 'zod'
import { streamCategory } from '../../src/events/identifiers.ts'
import { amountMicros } from './deposit.ts'
import type { BenchCouncil } from './bench-council.ts'

const Data = z.object({ amountMicros: z.number() })
const State = z.object({ balanceMicros: z.number() })

/**
 * Checks the log after a run: it has every acknowledged command once, sequences and revisions have no gaps, and the states equal
 * the sum of the events. Throws otherwise, because the figure of such a run means nothing.
 */
export async function checkLog({ log, redis, keys }: BenchCouncil, acknowledged: number): Promise<void> {
  const commandIds = new Set<string>()
  const revisions = new Map<string, number>()
  let sequence = 0
  let sumMicros = 0
  for await (const page of log.read())
    for (const event of page) {
      must(event.sequence === ++sequence, `sequence ${event.sequence} follows ${sequence - 1}`)
      must(
        event.revision === (revisions.get(event.stream) ?? 0) + 1,
        `${event.stream} has a gap before revision ${event.revision}`,
      )
      revisions.set(event.stream, event.revision)
      commandIds.add(event.metadata.commandId)
      sumMicros += Data.parse(event.data).amountMicros
    }
  must(sequence === acknowledged, `${acknowledged} commands were acknowledged, the log has ${sequence} events`)
  must(commandIds.size === acknowledged, `${acknowledged - commandIds.size} commands were executed twice`)
  must(sumMicros === acknowledged * amountMicros, 'the amounts of the events do not add up')
  const live = [...revisions].filter(([stream]) => streamCategory(stream as never) === 'ledger')
  must((await redis.hlen(keys.states)) === live.length, 'the number of states differs from the number of streams')
  must(
    (await balanceOf({ redis, keys })) === live.reduce((sum, [, revision]) => sum + revision, 0) * amountMicros,
    'the balances of the states do not add up',
  )
}

async function balanceOf({ redis, keys }: Pick<BenchCouncil, 'redis' | 'keys'>): Promise<number> {
  let sum = 0
  let cursor = '0'
  do {
    const [next, pairs] = await redis.hscan(keys.states, cursor, 'COUNT', 5000)
    cursor = next
    for (let i = 1; i < pairs.length; i += 2) {
      const stored = pairs[i] ?? ''
      sum += State.parse(JSON.parse(stored.slice(stored.indexOf('{')))).balanceMicros
    }
  } while (cursor !== '0')
  return sum
}

function must(holds: boolean, problem: string): void {
  if (!holds) throw new Error(`the run is void: ${problem}`)
}
