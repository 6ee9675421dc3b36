import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { account } from '../../src/commands/aggregates/account.ts'
import { chat } from '../../src/commands/aggregates/chat.ts'
import { defineCommand } from '../../src/commands/decider.ts'
import { accountStream, isAccountEvent, type AccountEvent } from '../../src/events/account.ts'
import { budgetStream } from '../../src/events/budget.ts'
import { eventAreas, eventCatalogue, type AnyEvent, type AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { chatStream, isChatEvent, type ChatEvent } from '../../src/events/chat.ts'
import type { EventMetadata, RecordedEvent } from '../../src/events/event.ts'
import type { EventLog, LogReader } from '../../src/events/log/log.ts'
import type { LogTail } from '../../src/events/log/read/tail.ts'
import type { readStored } from '../../src/events/log/read/stored-event.ts'
import { streamCategory, Uuid7, type Principal, type StreamName } from '../../src/events/identifiers.ts'
import { refusalsStream } from '../../src/events/refusals.ts'
import { sealsStream } from '../../src/events/seals.ts'
import { treasuryStream } from '../../src/events/treasury.ts'

describe('the event catalogue', () => {
  test('holds every event type of every area, each in one area only', () => {
    const types = Object.values(eventAreas).flatMap((area) => Object.keys(area))
    expect(types.toSorted()).toEqual([...new Set(types)].toSorted())
    expect(Object.keys(eventCatalogue).toSorted()).toEqual(types.toSorted())
  })

  test('gives the union of all events, discriminated by type', () => {
    expectTypeOf<ChatEvent>().toExtend<AnyEvent>()
    expectTypeOf<AccountEvent>().toExtend<AnyEvent>()
    expectTypeOf<Extract<AnyEvent, { type: 'TreasuryFrozen' }>['data']>().toEqualTypeOf<{ reason: string }>()
    expectTypeOf<AnyEvent['type']>().not.toEqualTypeOf<string>()
  })

  test('has a guard for each area', () => {
    const event = { type: 'AccountFrozen', data: { reason: 'audit' } } as RecordedEvent
    expect([isAccountEvent(event), isChatEvent(event)]).toEqual([true, false])
    expect(isChatEvent({ ...event, type: 'constructor' })).toBe(false)
    if (isAccountEvent(event)) expectTypeOf(event).toEqualTypeOf<RecordedEvent<AccountEvent>>()
  })
})

describe('an event of the log', () => {
  test('has the data of its type, however it is read', () => {
    expectTypeOf<LogReader['read']>().returns.toEqualTypeOf<AsyncGenerator<AnyRecordedEvent[]>>()
    expectTypeOf<LogReader['follow']>().returns.toEqualTypeOf<AsyncGenerator<AnyRecordedEvent[]>>()
    expectTypeOf<LogTail['listen']>().parameter(1).parameter(0).toEqualTypeOf<AnyRecordedEvent>()
    expectTypeOf<typeof readStored>().returns.toEqualTypeOf<AnyRecordedEvent>()
    type Frozen = Extract<AnyRecordedEvent, { type: 'AccountFrozen' }>
    expectTypeOf<Frozen>().toEqualTypeOf<RecordedEvent<Extract<AccountEvent, { type: 'AccountFrozen' }>>>()
    expectTypeOf<RecordedEvent>().not.toExtend<AnyRecordedEvent>()
  })
})

describe('a principal', () => {
  test('is no other text: neither a key of a caller nor the id of a command', () => {
    expectTypeOf<EventLog['commandIdFor']>().parameter(0).toEqualTypeOf<Principal>()
    expectTypeOf<EventLog['findCommand']>().parameter(0).toEqualTypeOf<Principal>()
    expectTypeOf<EventMetadata['actor']>().toEqualTypeOf<Principal>()
    expectTypeOf<string>().not.toExtend<Principal>()
    expectTypeOf<Uuid7>().not.toExtend<Principal>()
  })
})

describe('the name of a stream', () => {
  const requestId = Uuid7.parse('0192f0c1-7a00-7000-8000-000000000001')

  test('carries its category in its type', () => {
    expectTypeOf(chatStream(requestId)).toEqualTypeOf<StreamName<'chat'>>()
    expectTypeOf(accountStream).returns.toEqualTypeOf<StreamName<'account'>>()
    expectTypeOf(budgetStream).returns.toEqualTypeOf<StreamName<'budget'>>()
    expectTypeOf(refusalsStream).returns.toEqualTypeOf<StreamName<'refusals'>>()
    expectTypeOf(sealsStream).returns.toEqualTypeOf<StreamName<'seals'>>()
    expectTypeOf(treasuryStream).toEqualTypeOf<StreamName<'governance'>>()
    expectTypeOf<StreamName<'chat'>>().toExtend<StreamName>()
    expectTypeOf<StreamName>().not.toExtend<StreamName<'chat'>>()
    expect(streamCategory(chatStream(requestId))).toBe('chat')
  })

  test('must have the category of the aggregate that a command reads', () => {
    const definition = { name: 'Test', schema: z.null(), decide: () => ({ outcome: 'accepted' as const, events: {} }) }
    defineCommand({ account, chat })({ ...definition, reads: () => ({ account: null, chat: chatStream(requestId) }) })
    // @ts-expect-error the stream of a chat is not the stream of an account
    defineCommand({ account })({ ...definition, reads: () => ({ account: chatStream(requestId) }) })
    // @ts-expect-error a stream of any category may not be the stream of an account
    defineCommand({ account })({ ...definition, reads: () => ({ account: chatStream(requestId) as StreamName }) })
    expect(streamCategory(treasuryStream)).toBe('governance')
  })
})
