import type { ClusterNode, RedisCluster } from './redis-cluster.ts'

/** A slot on its way from one node to another, step by step, as `redis-cli --cluster reshard` does it. */
export type SlotMove = {
  from: ClusterNode
  to: ClusterNode
  /** Moves one key that is still where it was; false when none is left. */
  moveOne: () => Promise<boolean>
  /** Moves what is left, and gives the slot to its new node. */
  finish: () => Promise<void>
}

/** Begins to move the slot of a key. From here on either node may be asked for its keys. */
export async function beginSlotMove(cluster: RedisCluster, key: string, to: ClusterNode): Promise<SlotMove> {
  const from = await cluster.ownerOf(key)
  const slot = await from.redis.cluster('KEYSLOT', key)
  await to.redis.cluster('SETSLOT', slot, 'IMPORTING', from.id)
  await from.redis.cluster('SETSLOT', slot, 'MIGRATING', to.id)
  const moveOne = async (): Promise<boolean> => {
    const [next] = await from.redis.cluster('GETKEYSINSLOT', slot, 1)
    if (next === undefined) return false
    await from.redis.call('MIGRATE', '127.0.0.1', to.port, next, 0, 5_000)
    return true
  }
  return {
    from,
    to,
    moveOne,
    async finish() {
      while (await moveOne());
      // The new owner first: between the two nobody may believe that the slot is nobody's.
      for (const { redis } of [to, from, ...cluster.nodes.filter((node) => node !== to && node !== from)])
        await redis.cluster('SETSLOT', slot, 'NODE', to.id)
    },
  }
}
