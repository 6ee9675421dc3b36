import { messageOf } from '../../../platform/platform-error.ts'
import { beginning, streamTimeMs, type Position } from '../../identifiers.ts'
import type { AnyRecordedEvent } from '../../catalogue.ts'
import { UnreadableEvent } from '../../upcast.ts'
import { chainStart, extendChain, type ChainHead, type LogIdentity } from '../archive/chain.ts'
import { isSealEvent } from '../../seals.ts'
import { foldStreams, type FoldOf, type Folds } from '../folds.ts'
import type { EventMacs } from '../integrity/mac.ts'
import { readStored, type StoredEvent } from '../read/stored-event.ts'
import { authenticityCheck, type Authenticity } from './authenticity.ts'
import type { ReportFault } from './audit-faults.ts'
import { ledgerCheck, type Ledger } from './ledger.ts'
import { modelCostCheck, type ModelCosts } from './model-costs.ts'
import { orderCheck } from './order.ts'
import type { SealCheck } from './seals.ts'
import { createDigestSet } from './digest-set.ts'

/** Verifies the events of a log in order, each against all events before it. */
export type Verifier = {
  folds: Folds
  ledger: Ledger
  modelCosts: ModelCosts
  authenticity: Authenticity | null
  /** `storedHead`: the archived chain head of this event; null if it is not archived. */
  take: (event: StoredEvent, storedHead: ChainHead | null) => void
  /** The newest event so far, and the chain head after it. */
  end: () => { events: number; first: Position; position: Position; sequence: number; chainHead: ChainHead }
}

export type VerifierOptions = {
  identity: LogIdentity
  macs: EventMacs | null
  foldOf: FoldOf
  seals: SealCheck
  report: ReportFault
}

export function createVerifier({ identity, macs, foldOf, seals, report }: VerifierOptions): Verifier {
  const folds = foldStreams(foldOf)
  const ledger = ledgerCheck(report)
  const modelCosts = modelCostCheck(report)
  const order = orderCheck(report)
  const authenticity = macs && authenticityCheck(identity.incarnation, macs, foldOf, report)
  const started = createDigestSet()
  const end = { events: 0, first: beginning, position: beginning, sequence: 0, chainHead: chainStart(identity) }

  const extend = (event: StoredEvent, storedHead: ChainHead | null): void => {
    const made = extendChain(end.chainHead, event)
    const isBroken = storedHead !== null && !made.equals(storedHead)
    if (isBroken)
      report(
        'chain_broken',
        event,
        `the hash chain breaks at event number ${event.sequence} (${event.type} at ${event.position}): the archived head does not match the events`,
      )
    // Continue from the stored head, so that one change is reported once.
    end.chainHead = isBroken ? storedHead : made
  }

  const fold = (event: StoredEvent, recorded: AnyRecordedEvent): void => {
    const { stream, revision, position } = event
    if (revision === 1 && streamTimeMs(stream) !== undefined && !started.add(stream))
      report('revision_repeated', event, `${stream} starts a second time at ${position}`)
    const taken = folds.take(recorded)
    if (taken === 'unknown') report('stream_unknown', event, `no aggregate of this program has a stream ${stream}`)
    if (typeof taken === 'string') return
    if ('failed' in taken)
      report(
        'fold_failed',
        event,
        `the events of ${stream} are inconsistent at ${position}: ${messageOf(taken.failed)}`,
      )
    else
      report(
        revision > taken.wrongRevision ? 'revision_gap' : 'revision_repeated',
        event,
        `${stream} is at revision ${revision} at ${position}, but ${taken.wrongRevision} was expected`,
      )
  }

  return {
    folds,
    ledger,
    modelCosts,
    authenticity,
    end: () => end,
    take(event, storedHead) {
      order(event)
      authenticity?.check(event)
      extend(event, storedHead)
      seals.reached(event, end.chainHead)
      if (end.events++ === 0) end.first = event.position
      end.position = event.position
      end.sequence = event.sequence
      try {
        const recorded = readStored(event)
        ledger.take(recorded)
        modelCosts.take(recorded)
        fold(event, recorded)
        if (isSealEvent(recorded)) seals.take(recorded)
      } catch (error) {
        if (!(error instanceof UnreadableEvent)) throw error
        report(error.code, event, error.message)
      }
    },
  }
}
