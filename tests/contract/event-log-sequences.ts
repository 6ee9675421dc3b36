import fc from 'fast-check'
import { chatStream } from '../../src/events/chat.ts'
import { commandWindowMs, StreamName, type Uuid7, Principal } from '../../src/events/identifiers.ts'
import type { AppendRequest, AppendResult, EventLog, ExpectedRevision, StoredState } from '../../src/events/log/log.ts'
import { idAt, newId } from '../support/council.ts'
import { anEvent } from '../support/log-requests.ts'

/** One command: its id out of a few, and the streams that it writes. */
const aCommand = fc.record({
  id: fc.oneof(
    { weight: 6, arbitrary: fc.constant('fresh' as const) },
    { weight: 2, arbitrary: fc.nat(2) },
    { weight: 1, arbitrary: fc.constantFrom('expired' as const, 'ahead' as const) },
  ),
  contentHash: fc.constantFrom('h', 'i'),
  writes: fc.array(fc.nat(4), { maxLength: 3 }),
  job: fc.boolean(),
})

/** One append: the expected revisions and states of the streams, and their new states. */
const anAppendStep = fc.record({
  commands: fc.array(aCommand, { minLength: 1, maxLength: 3 }),
  onlyRead: fc.array(fc.nat(4), { maxLength: 2 }),
  expects: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constant('current' as const) },
      { weight: 1, arbitrary: fc.constantFrom('none' as const, 'behind' as const, 'ahead' as const) },
      { weight: 3, arbitrary: fc.constantFrom('this state' as const, 'another state' as const) },
      { weight: 2, arbitrary: fc.constant('any' as const) },
    ),
    { minLength: 5, maxLength: 5 },
  ),
  deadlineMs: fc.constantFrom(null, 1_000_000, 2_000_000),
  stateVersion: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constantFrom(2, 3) }),
  finishes: fc.oneof({ weight: 6, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(4) }),
})
export const appendSteps = fc.array(anAppendStep, { minLength: 1, maxLength: 12 })
export type AppendStep = (
  typeof appendSteps extends fc.Arbitrary<infer Steps> ? Steps : never
) extends readonly (infer One)[]
  ? One
  : never

/** A request with its result or error. */
export type Attempt = { request: AppendRequest; result: AppendResult | { thrown: string } }

/** Runs append steps on a log over three lasting and two finishing streams of its own. */
export function appendRunner(log: EventLog, { streams = someStreams(), ids = [newId(), newId(), newId()] } = {}) {
  return {
    streams,
    async run(step: AppendStep): Promise<Attempt> {
      const current = await log.loadStates(streams)
      const request = requestOf(step, streams, ids, current)
      return { request, result: await outcomeOf(log, request) }
    },
  }
}

export const someStreams = (): StreamName[] => [
  ...Array.from({ length: 3 }, () => StreamName.parse(`budget/test/${newId().slice(-12)}`)),
  chatStream(newId()),
  chatStream(newId()),
]

export async function outcomeOf(log: EventLog, request: AppendRequest): Promise<Attempt['result']> {
  try {
    return await log.append(request)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return {
      thrown:
        'code' in error
          ? String(error.code)
          : error.message.replace(/^.*?(a stream|a job)/, '$1').replace(/,? script:.*$/, ''),
    }
  }
}

export function requestOf(
  step: AppendStep,
  streams: readonly StreamName[],
  ids: readonly Uuid7[],
  current: readonly StoredState[],
): AppendRequest {
  const nowMs = Date.now()
  const idOf = (id: AppendStep['commands'][number]['id']): Uuid7 => {
    if (id === 'fresh') return newId()
    if (id === 'expired') return idAt(nowMs - commandWindowMs - 60_000)
    if (id === 'ahead') return idAt(nowMs + 6 * 60_000)
    return ids[id]!
  }
  const commands = uniqueIds(step.commands).map(({ id, ...command }) => ({ ...command, commandId: idOf(id) }))
  const written = commands.flatMap(({ writes }) => writes)
  const read = [...new Set([...written, ...step.onlyRead])]
  const expectationOf = (index: number): ExpectedRevision => {
    const stream = streams[index]!
    const stored = current[index] ?? { stream, status: 'absent', revision: 0 }
    const { revision } = stored
    const expects = step.expects[index] ?? 'current'
    switch (expects) {
      case 'this state':
        return { stream, revision, ...stateOf(stored) }
      case 'another state':
        return { stream, revision, state: { stateVersion: 1, state: '{"n":1}' } }
      default:
        return {
          stream,
          revision: {
            current: revision,
            none: 0,
            behind: Math.max(0, revision - 1),
            ahead: revision + 1,
            any: 'any' as const,
          }[expects],
        }
    }
  }
  return {
    commands: commands.map(({ commandId, contentHash, writes }) => ({
      principal: Principal.parse('tester'),
      commandId,
      contentHash,
      events: writes.length,
    })),
    reads: read.map(expectationOf),
    events: commands.flatMap(({ writes, commandId }) => writes.map((stream) => anEvent(streams[stream]!, commandId))),
    states: [...new Set(written)].map((stream) => ({
      stream: streams[stream]!,
      deadlineMs: step.deadlineMs,
      stateVersion: step.stateVersion,
      state: stream === step.finishes ? null : '{"n":100000000000001}',
    })),
    jobs: commands.flatMap(({ job, writes }, command) =>
      job ? [{ kind: 'answer', stream: streams[writes[0] ?? 0]!, command }] : [],
    ),
    finishedJobs: [],
  }
}

function stateOf(stored: StoredState): Pick<ExpectedRevision, 'state'> {
  if (stored.status === 'absent') return {}
  return { state: stored.status === 'live' ? stored : { stateVersion: 1, state: null } }
}

/** The gate never puts an id into an append twice. */
function uniqueIds(commands: AppendStep['commands']): AppendStep['commands'] {
  const seen = new Set<number>()
  return commands.filter(({ id }) => typeof id !== 'number' || (!seen.has(id) && seen.add(id)))
}
