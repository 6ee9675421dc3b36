import { openSync, readFileSync, writeSync } from 'node:fs'
import type { Principal } from '../../../src/events/identifiers.ts'
import type { AppendedEvent, CommandResult, RejectionCode } from '../../../src/commands/gate/types.ts'
import type { CommandGate } from '../../../src/commands/gate/gate.ts'

/** The outcome of one execution, as its caller was told. `unknown`: no answer, or an answer that leaves it open. */
export type Outcome =
  | { kind: 'ok'; events: AppendedEvent[] }
  /** Refused by a rule; some commands record their refusal. */
  | { kind: 'refused'; code: string }
  /** Rejected by the gate: this execution did nothing. */
  | { kind: 'rejected'; code: RejectionCode }
  | { kind: 'unknown'; why: string }

/** One execution. The same command may be executed several times, under one id. */
export type Call = {
  principal: Principal
  commandId: string
  command: string
  /** Microseconds of the machine's monotonic clock, the same for all processes. */
  invokedAtUs: number
  /** Null: never. */
  answeredAtUs: number | null
  outcome: Outcome
}

type Line = { call: string; atUs: number } & (
  { invoke: Pick<Call, 'principal' | 'commandId' | 'command'> } | { outcome: Outcome }
)

/** A gate that records every execution before and after it, so that a killed process loses no record. */
export function recorded(gate: CommandGate, file: string, processName: string): CommandGate {
  const descriptor = openSync(file, 'a')
  const write = (line: Line) => void writeSync(descriptor, `${JSON.stringify(line)}\n`)
  let calls = 0
  return {
    ...gate,
    async execute(definition, input, context) {
      const call = `${processName}/${++calls}`
      const { principal, commandId } = context
      write({ call, atUs: nowUs(), invoke: { principal, commandId, command: definition.name } })
      try {
        const result = await gate.execute(definition, input, context)
        write({ call, atUs: nowUs(), outcome: outcomeOf(result) })
        return result
      } catch (error) {
        write({ call, atUs: nowUs(), outcome: { kind: 'unknown', why: String(error) } })
        throw error
      }
    },
  }
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)

function outcomeOf(result: CommandResult): Outcome {
  switch (result.result) {
    case 'appended':
    case 'duplicate':
    case 'approval_required':
      return { kind: 'ok', events: result.events }
    case 'refused':
      return { kind: 'refused', code: result.code }
    case 'rejected':
      return result.code === 'outcome_unknown'
        ? { kind: 'unknown', why: result.code }
        : { kind: 'rejected', code: result.code }
    default:
      return result satisfies never
  }
}

/** The calls of all processes. A call without an answer is unknown; a killed process may leave half a line. */
export function readHistory(files: readonly string[]): Call[] {
  const calls = new Map<string, Call>()
  for (const file of files)
    for (const text of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
      const line = JSON.parse(text) as Line
      if ('invoke' in line)
        calls.set(line.call, {
          ...line.invoke,
          invokedAtUs: line.atUs,
          answeredAtUs: null,
          outcome: { kind: 'unknown', why: 'no answer' },
        })
      else Object.assign(calls.get(line.call) ?? {}, { answeredAtUs: line.atUs, outcome: line.outcome })
    }
  return [...calls.values()]
}
