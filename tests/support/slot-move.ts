import type { ClusterNode, RedisCluster } from './redis-cluster.ts'

/** The move of a slot from one node to another in steps, as `redis-cli --cluster reshard` does it. */
export type SlotMove = {
  from: ClusterNode
  to: ClusterNode
  /** Moves one remaining key; false if none is left. */
  moveOne: () => Promise<boolean>
  /** Moves the remaining keys, and gives the slot to its new node. */
  finish: () => Promise<void>
}

/** Begins to move the slot of a key. From now on both nodes may have keys of the slot. */
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
      // The new owner comes first: no node may believe that the slot has no owner.
      for (const { redis } of [to, from, ...cluster.nodes.filter((node) => node !== to && node !== from)])
        await redis.cluster('SETSLOT', slot, 'NODE', to.id)
    },
  }
}
