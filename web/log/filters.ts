import { computed } from '@preact/signals'
import { goTo, search } from '../shell/route.ts'

export const filterNames = ['stream', 'type', 'actor', 'request'] as const
export type FilterName = (typeof filterNames)[number]
export type Filters = Partial<Record<FilterName, string>>

/** The filters in the address, and the event that is open. */
const parameters = computed(() => new URLSearchParams(search.value))

/** As the query string of a request, in one order, so that equal filters are equal texts. */
export const filterQuery = computed(() => printed(filtersIn(parameters.value)))
export const filters = computed(() => filtersIn(new URLSearchParams(filterQuery.value)))
export const openPosition = computed(() => parameters.value.get('position'))

function filtersIn(from: URLSearchParams): Filters {
  const found: Filters = {}
  for (const name of filterNames) {
    const value = from.get(name)
    if (value !== null && value !== '') found[name] = value
  }
  return found
}

const printed = (given: Filters): string => new URLSearchParams(given).toString()

/** The address of the page with other filters, or another open event (null: none). */
export function addressWith(change: { filters?: Filters; position?: string | null }): string {
  const query = new URLSearchParams(printed(change.filters ?? filters.value))
  const position = change.position === undefined ? openPosition.value : change.position
  if (position !== null) query.set('position', position)
  return `/log${query.size > 0 ? `?${query.toString()}` : ''}`
}

export const setFilters = (to: Filters): void => goTo(addressWith({ filters: to }))
/** Replaces the address: going through a list by keyboard must not fill the history of the browser. */
export const openEvent = (position: string | null): void => goTo(addressWith({ position }), 'replace')
