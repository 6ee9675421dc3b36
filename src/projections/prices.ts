import { sql } from 'kysely'
import { z } from 'zod'
import type { RecordedEvent } from '../events/event.ts'
import { priceEvents, type PriceEvent, type PriceListing } from '../events/prices.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, date, json, nullable, text, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

/** Rates are micro-dollars for 1,000 tokens. */
const columns = {
  /** One price of one name: its `priceRef`, and from when it holds. */
  listing: bytewise(text),
  price_ref: bytewise(text),
  /** Null: every model without a price of its own. */
  models: nullable(json(z.array(z.string()))),
  prompt_micros_per_1000: bigint,
  cached_prompt_micros_per_1000: bigint,
  completion_micros_per_1000: bigint,
  /** Null: always. */
  valid_from: nullable(date),
  listed_by: text,
  listed_at: timestamp,
  /** The event that listed it first: lists are in this order. */
  first_sequence: bigint,
  last_position: text,
  last_sequence: bigint,
}
export type PriceRow = RowOf<typeof columns>

/** `read_models.prices`: one row per price that the settings of a worker have listed. */
export const prices = tableProjection({
  name: 'prices',
  version: 1,
  columns,
  key: 'listing',
  indexes: [sql`(first_sequence)`],
  handles: priceEvents,
  keyOf: ({ data }) => listingOf(data),
  evolve: (row, event) => priceRow(row, event),
})

/** A page of rows in the order in which they were listed first, after a sequence. */
export const selectPrices = (tx: Tx, after: number | undefined, limit: number): Promise<PriceRow[]> =>
  prices.select(tx, sql`where first_sequence > ${after ?? 0} order by first_sequence limit ${limit}`)

const listingOf = ({ priceRef, models, validFrom }: PriceListing): string =>
  storableText([priceRef, models ? 'models' : 'default', validFrom ?? 'always'].join(' '))

const priceRow = (
  row: PriceRow | undefined,
  { data, metadata, position, sequence }: RecordedEvent<PriceEvent>,
): PriceRow => ({
  listing: listingOf(data),
  price_ref: storableText(data.priceRef),
  models: data.models?.map(storableText) ?? null,
  prompt_micros_per_1000: data.promptMicrosPer1000,
  cached_prompt_micros_per_1000: data.cachedPromptMicrosPer1000,
  completion_micros_per_1000: data.completionMicrosPer1000,
  valid_from: data.validFrom ?? null,
  listed_by: storableText(metadata.actor),
  listed_at: isoTime(Date.parse(metadata.occurredAt)),
  first_sequence: row?.first_sequence ?? sequence,
  last_position: position,
  last_sequence: sequence,
})
