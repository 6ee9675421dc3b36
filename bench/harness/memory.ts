import { payloadBytes } from './deposit.ts'
import { openBenchCouncil } from './bench-council.ts'
import { freshCouncilId, type GateProcess } from './competitors.ts'
import type { RedisServer } from './redis-server.ts'

const commands = 50_000

/** Bytes of Redis memory for one of each, from `MEMORY USAGE` over all elements. */
export type Memory = { hotEventWithoutPayload: number; commandId: number; liveState: number; finishedStream: number }

export async function memoryOf({ url }: RedisServer, gate: GateProcess): Promise<Memory> {
  const live = freshCouncilId()
  const finishing = freshCouncilId()
  await gate.ask({ do: 'fill', councilId: live, from: 0, to: commands })
  await gate.ask({
    do: 'deposit',
    councilId: finishing,
    streams: 'finishing',
    load: { inFlight: 256, durationMs: 1000 },
  })

  const council = await openBenchCouncil(url, live)
  const bytesOf = async (pattern: string): Promise<number> => {
    let bytes = 0
    for (const key of await council.redis.keys(pattern))
      bytes += Number(await council.redis.memory('USAGE', key, 'SAMPLES', 0))
    return bytes
  }
  const events = (councilId: string): Promise<number> => council.redis.xlen(`council:{${councilId}}:log`)
  const memory = {
    hotEventWithoutPayload: (await bytesOf(`council:{${live}}:log`)) / (await events(live)) - payloadBytes,
    commandId: (await bytesOf(`council:{${live}}:commands:*`)) / commands,
    liveState: (await bytesOf(`council:{${live}}:states`)) / commands,
    finishedStream: (await bytesOf(`council:{${finishing}}:finished:*`)) / (await events(finishing)),
  }
  console.log(
    `bytes: ${Object.entries(memory)
      .map(([name, bytes]) => `${name} ${Math.round(bytes)}`)
      .join(', ')}`,
  )
  await council.redis.flushall('SYNC')
  council.close()
  return memory
}
