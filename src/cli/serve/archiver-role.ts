import { setTimeout as pause } from 'node:timers/promises'
import type { Finding, HealthCheck } from '../../api/health.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import { isAppendOnly } from '../../commands/registry.ts'
import { IntroduceSealingKey } from '../../commands/seals/introduce-sealing-key.ts'
import { SealLog } from '../../commands/seals/seal-log.ts'
import { dayOf } from '../../events/day.ts'
import { Principal } from '../../events/identifiers.ts'
import { startArchiver, type Archiver } from '../../events/log/archive/archiver.ts'
import { chooseSealKey } from '../../events/log/archive/choose-seal-key.ts'
import { newestSealKey } from '../../events/log/archive/newest-seal-key.ts'
import { startSealCopies, type SealCopies } from '../../events/log/archive/seal-copies.ts'
import { sealTypes } from '../../events/log/archive/seal-events.ts'
import { sealedSoFar, startSealer, type Sealer, type SealerDependencies } from '../../events/log/archive/sealer.ts'
import { sealsFile, sealsOutput } from '../../events/log/archive/seals-file.ts'
import { hotLog } from '../../events/log/read/hot-log.ts'
import { isoTime, systemClock } from '../../platform/clock.ts'
import { dataPaths } from '../../platform/process/data-dir.ts'
import { newId } from './core.ts'
import type { Role, RoleContext } from './role.ts'
import { sealKeys } from './seal-keys.ts'
import { startTrimming } from './trimming.ts'

const principal = Principal.parse('archiver')
/** A start waits this long for its archiver. */
const startedWithinMs = 3_000
const today = (): string => dayOf(isoTime(systemClock.nowMs()))

/**
 * Archives the log, seals it, exports the seals, and trims archived events from Redis. Its start throws ArchiveStopped when the key
 * that sealed this log is missing.
 */
export const archiverRole: Role = {
  name: 'archiver',
  start: async (context) => ({ checks: await startArchiving(context) }),
}

async function startArchiving({ config, stores, core, stdout, closing, logger }: RoleContext): Promise<HealthCheck[]> {
  const { keys } = core
  const { durability, hotWindowMs, sealEveryEvents, sealEveryMs, sealsFile: outputFile } = config.log
  const { identity, archive, progress, macs, stored } = core.archiving
  const { key, introduction } = chooseSealKey(identity, {
    newest: await newestSealKey(archive, stored),
    ...sealKeys(config),
  })
  const introduce = once(async () => {
    if (introduction)
      await recorded(
        core.gate.execute(IntroduceSealingKey, { day: today(), ...introduction }, { commandId: newId(), principal }),
      )
  })

  const out =
    outputFile === '-' ? sealsOutput(stdout) : sealsFile(outputFile ?? dataPaths(config.council.dataDir).seals)
  const copies = startSealCopies({ identity, archive, out, logger })
  closing.defer(copies.stop, 'the copies of seals')
  const recordSeal: SealerDependencies['record'] = async (seal) => {
    await introduce()
    await recorded(core.gate.execute(SealLog, { day: today(), ...seal }, { commandId: newId(), principal }))
  }
  const sealer = startSealer(
    { identity, key, everyEvents: sealEveryEvents, everyMs: sealEveryMs, record: recordSeal, logger },
    await sealedSoFar(archive),
  )
  const archiver = startArchiver({
    hot: hotLog(stores.redis, keys),
    follow: stored.followHotLog,
    archive,
    progress,
    authentication: { identity, macs, isAppendOnly },
    onArchived(events, checkpoint) {
      sealer.archived(events, checkpoint)
      if (events.some(({ type }) => sealTypes.includes(type))) copies.look()
    },
    logger,
  })
  closing.defer(archiver.stop, 'the archiver')
  closing.defer(sealer.stop, 'the sealer')
  await Promise.race([archiver.started, pause(startedWithinMs, undefined, { ref: false })])
  // The old key may be available for this start only.
  if (introduction?.by) await introduce()
  // Only a real PostgreSQL may hold the last copy of an event.
  if (config.stores.databaseUrl)
    closing.defer(
      startTrimming({ redis: stores.redis, keys, archive, hotWindowMs }, stores.postgres, logger),
      'trimming',
    )
  return [
    // With DURABILITY=archived the gate acknowledges nothing without it; otherwise the council works without it.
    {
      name: 'archiver',
      kind: 'internal',
      isNeeded: durability === 'archived',
      look: () => Promise.resolve(archiverFinding(archiver)),
    },
    { name: 'seals', kind: 'internal', isNeeded: false, look: () => Promise.resolve(sealsFinding(sealer, copies)) },
  ]
}

/** Throws unless the command is in the log. */
async function recorded(execution: Promise<CommandResult>): Promise<void> {
  const outcome = await execution
  if (outcome.result === 'rejected') throw new Error(`${outcome.code}: ${outcome.message}`)
  if (outcome.result === 'refused') throw new Error(outcome.code)
}

/** Runs work once for all callers; a later call retries work that failed. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null
  return () =>
    (done ??= work().catch((error: unknown) => {
      done = null
      throw error
    }))
}

function archiverFinding(archiver: Archiver): Finding {
  const { state, position, lag, code, message } = archiver.status()
  if (state === 'running') return { status: 'pass', output: `running, at ${position}, ${lag} events behind` }
  return { status: 'fail', output: `${state}: ${code ?? 'starting'}${message ? `: ${message}` : ''}` }
}

function sealsFinding(sealer: Sealer, copies: SealCopies): Finding {
  const { sealed, fault } = sealer.status()
  const copying = copies.fault()
  const wrong = copying ? `${copying.code}: ${copying.message}` : fault
  return {
    status: wrong ? 'warn' : 'pass',
    output: wrong ?? (sealed > 0 ? `the log is sealed up to event number ${sealed}` : 'nothing is sealed yet'),
  }
}
