import { readFileSync } from 'node:fs'
import { parsePrices, type Prices } from '../../agents/models/prices.ts'

/** Throws Error, naming the file and what is wrong in it: it is read before anything is started. */
export function loadPrices(pricesFile: string): Prices {
  try {
    return parsePrices(JSON.parse(readFileSync(pricesFile, 'utf8')))
  } catch (error) {
    throw new Error(`PRICES_FILE ${pricesFile}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
