import { describe, expect, test } from 'vitest'
import { ReserveBudget } from '../../../../src/commands/budget/reserve-budget.ts'
import type { AnyRecordedEvent } from '../../../../src/events/catalogue.ts'
import { chatStream } from '../../../../src/events/chat.ts'
import { eventsOfCommands } from '../../../../src/events/log/read/command-events.ts'
import { reservationFor } from '../../../support/budget-calls.ts'
import { newId } from '../../../support/council.ts'
import { answeredByCouncil } from '../../../support/deliberation.ts'
import { answeredPrompt, applyStep, newPrompt } from '../../../support/history.ts'
import { suiteCouncil } from '../../../support/lifetimes.ts'

const council = await suiteCouncil()

const commandOf = ({ metadata }: AnyRecordedEvent) => metadata.commandId

describe('the events of the commands that wrote to a stream', () => {
  test('are all events of these commands, and no others', async () => {
    const ballots = { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] }
    const [told, other] = await Promise.all([answeredByCouncil(council, ballots), answeredByCouncil(council, ballots)])
    await answeredPrompt(council)
    const all = await council.events()
    for (const { requestId } of [told, other]) {
      const chat = all.filter(({ stream }) => stream === chatStream(requestId))
      const commands = new Set(chat.map(commandOf))
      expect(await eventsOfCommands(council.log, chat)).toEqual(all.filter((event) => commands.has(commandOf(event))))
      expect(chat.length).toBeGreaterThan(10)
    }
  })

  test('are found from any one of them, also in a command with more events than a read returns', async () => {
    const prompt = newPrompt()
    for (const step of ['submit', 'attempt'] as const) await applyStep(council, prompt, step)
    const call = { phase: 'draft', member: 'council', model: 'scripted', amountMicros: 5 }
    const calls = Array.from({ length: 16 }, () => ({ ...call, callId: newId() }))
    await council.execute(ReserveBudget, reservationFor(prompt.requestId, { calls }))
    const all = await council.events()
    const [largest] = [...Map.groupBy(all, commandOf).values()].toSorted((a, b) => b.length - a.length)
    expect(largest).toHaveLength(32)
    for (const event of largest ?? []) expect(await eventsOfCommands(council.log, [event])).toEqual(largest)
  })
})
