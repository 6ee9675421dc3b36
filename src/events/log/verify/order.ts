import { beginning, comparePositions } from '../../identifiers.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { ReportFault } from './audit-faults.ts'

/** Checks that sequences are 1, 2, 3… and that positions rise. */
export function orderCheck(report: ReportFault): (event: StoredEvent) => void {
  let sequence = 0
  let position = beginning
  return (event) => {
    const expected = sequence + 1
    if (comparePositions(event.position, position) <= 0)
      report(
        'position_out_of_order',
        event,
        `event number ${event.sequence} is at ${event.position}, but the one before it is at ${position}`,
      )
    if (event.sequence > expected)
      report(
        'sequence_gap',
        event,
        `${numbers(expected, event.sequence - 1)} missing before the event at ${event.position}`,
      )
    if (event.sequence < expected)
      report(
        'sequence_repeated',
        event,
        `the event at ${event.position} has the number ${event.sequence}, but ${expected} was expected`,
      )
    sequence = event.sequence
    position = event.position
  }
}

const numbers = (first: number, last: number): string =>
  first === last ? `event number ${first} is` : `events number ${first} to ${last} are`
