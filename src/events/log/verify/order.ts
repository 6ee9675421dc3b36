import { beginning, comparePositions } from '../../identifiers.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import { faultOf, type Faults } from './faults.ts'

/** Sequences are 1, 2, 3… without a gap, and positions rise with them. */
export function orderCheck(report: Faults['report']): (event: StoredEvent) => void {
  let sequence = 0
  let position = beginning
  return (event) => {
    const expected = sequence + 1
    if (comparePositions(event.position, position) <= 0)
      report(
        faultOf(
          event,
          'position_out_of_order',
          `event number ${event.sequence} stands at ${event.position}, but the one before it at ${position}`,
        ),
      )
    if (event.sequence > expected)
      report(
        faultOf(
          event,
          'sequence_gap',
          `${numbers(expected, event.sequence - 1)} missing before the event at ${event.position}`,
        ),
      )
    if (event.sequence < expected)
      report(
        faultOf(
          event,
          'sequence_repeated',
          `the event at ${event.position} has the number ${event.sequence}, but ${expected} was to come`,
        ),
      )
    sequence = event.sequence
    position = event.position
  }
}

const numbers = (first: number, last: number): string =>
  first === last ? `event number ${first} is` : `events number ${first} to ${last} are`
