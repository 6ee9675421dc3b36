import type { Seating } from '../../agents/council/seating.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { SeatCouncil } from '../../commands/council/seat-council.ts'
import { Principal } from '../../events/identifiers.ts'
import type { Logger } from '../../platform/logger.ts'
import { CliError } from '../failure.ts'
import { newId } from './core.ts'

const worker = Principal.parse('service:worker')

/** Records who sits on the council, unless the log has it already. */
export async function seatCouncil(
  gate: CommandGate,
  councilId: string,
  { hash, members, chair, method, quorum, ownDraftAllowed, critique }: Seating,
  logger: Logger,
): Promise<void> {
  const seating = { hash, members, chair, method, quorum, ownDraftAllowed, critique }
  const result = await gate.execute(SeatCouncil, { councilId, ...seating }, { commandId: newId(), principal: worker })
  if (result.result === 'rejected') throw new CliError({ fromServer: result.code }, 'the council could not be seated')
  if (result.result === 'appended')
    logger.info({ hash, members: members.map(({ id }) => id), method }, 'the council is seated')
}
