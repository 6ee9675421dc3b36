import { isAccountEvent } from '../../src/events/account.ts'
import { isBountyEvent, type BountyEvent } from '../../src/events/bounty.ts'
import type { RecordedEvent } from '../../src/events/event.ts'

const endings: ReadonlySet<string> = new Set(['BountyAwarded', 'BountyRejected', 'BountyExpired', 'BountyCancelled'])
export const isBountyEnding = ({ type }: { type: string }): boolean => endings.has(type)

/**
 * The rules of bounties that a log breaks, as text: one ending, one verdict at most, and no event after the ending; the escrow has what
 * was promised until then, and pays exactly what the ending says, so that it is empty. Pure, and without the code that it checks.
 */
export function bountyFaults(events: readonly RecordedEvent[]): string[] {
  const found: string[] = []
  const bounties = new Map<string, { promisedMicros: number | null; verdicts: number; ended: boolean }>()
  const balances = new Map<string, number>()
  const byCommand = Map.groupBy(events, ({ metadata }) => `${metadata.actor} ${metadata.commandId}`)
  for (const own of byCommand.values()) {
    const paidBy = new Map<string, number>()
    for (const event of own) {
      if (!isAccountEvent(event) || (event.type !== 'AccountCredited' && event.type !== 'AccountDebited')) continue
      const micros = event.type === 'AccountCredited' ? event.data.amountMicros : -event.data.amountMicros
      balances.set(event.stream, (balances.get(event.stream) ?? 0) + micros)
      if (micros < 0) paidBy.set(event.stream, (paidBy.get(event.stream) ?? 0) - micros)
    }
    for (const event of own) {
      if (!isBountyEvent(event)) continue
      const { stream } = event
      const before = bounties.get(stream) ?? { promisedMicros: null, verdicts: 0, ended: false }
      const escrow = `account/bounty:${stream.slice('bounty/'.length)}`
      if (before.ended) found.push(`${stream} goes on with ${event.type} after its ending`)
      const after = { ...before, promisedMicros: promisedBy(event) ?? before.promisedMicros }
      if (event.type === 'BountyJudged') after.verdicts++
      if (after.verdicts > 1) found.push(`${stream} was judged ${after.verdicts} times`)
      if (isBountyEnding(event)) {
        after.ended = true
        if (after.promisedMicros !== null)
          found.push(...endFaults(event, balances.get(escrow) ?? 0, paidBy.get(escrow) ?? 0))
      }
      bounties.set(stream, after)
    }
    for (const [stream, { promisedMicros, ended }] of bounties)
      if (!ended && (balances.get(`account/bounty:${stream.slice('bounty/'.length)}`) ?? 0) < (promisedMicros ?? 0))
        found.push(`the escrow of ${stream} has less than ${promisedMicros} after ${own[0]?.type}`)
  }
  return found
}

const promisedBy = (event: BountyEvent): number | null =>
  event.type === 'BountyOpened' ? event.data.rewardMicros + event.data.bonusMicros : null

/** The faults of an ending that leaves `leftMicros` on the escrow, and takes `paidMicros` from it. */
function endFaults({ stream, type, data }: RecordedEvent, leftMicros: number, paidMicros: number): string[] {
  const said = data as { paidMicros?: number; refundedMicros: number }
  const saidMicros = (said.paidMicros ?? 0) + said.refundedMicros
  return [
    ...(leftMicros === 0 ? [] : [`${type} leaves ${leftMicros} on the escrow of ${stream}`]),
    ...(saidMicros === paidMicros
      ? []
      : [`${type} says ${saidMicros}, but ${paidMicros} left the escrow of ${stream}`]),
  ]
}

/** Whether an account may take part in a movement although it is frozen: awards and refunds still arrive. */
export const arrivesAtFrozen = ({ type, data }: { type: string; data: unknown }): boolean =>
  type === 'AccountCredited' && /^(awards|returns the money of) a bounty/.test((data as { reason: string }).reason)
