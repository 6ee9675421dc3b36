import type { Prices } from '../../agents/models/prices.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import { ListPrice } from '../../commands/prices/list-price.ts'
import { Principal } from '../../events/identifiers.ts'
import type { Logger } from '../../platform/logger.ts'
import { CliError } from '../failure.ts'
import { newId } from './core.ts'

const worker = Principal.parse('service:worker')

/** Records the prices that a worker charges, unless the log has them already. Throws CliError `price_changed`. */
export async function listPrices(gate: CommandGate, { listings }: Prices, logger: Logger): Promise<void> {
  for (const listing of listings) {
    const { priceRef } = listing
    const result = await gate.execute(ListPrice, listing, { commandId: newId(), principal: worker })
    if (result.result === 'refused')
      throw new CliError(
        'price_changed',
        `the log has ${priceRef} at other rates, and debits name it: give the new price another name in PRICES_FILE`,
      )
    if (result.result === 'rejected')
      throw new CliError({ fromServer: result.code }, `the price ${priceRef} could not be listed`)
    if (result.result === 'appended' && result.events.length > 0) logger.info({ priceRef }, 'a price is listed')
  }
}
