import type { Fault } from '../../events/log/verify/audit-faults.ts'
import type { AuditedLog } from '../../events/log/verify/verify.ts'
import type { ComparedReadModel } from '../../projections/engine/compare.ts'
import type { Output } from '../output.ts'

/** The result of a verification. `faults` are the first of `count`; `unknown` lists what could not be checked. */
export type Verdict = {
  log: AuditedLog
  readModels: readonly ComparedReadModel[]
  faults: readonly Fault[]
  count: number
  unknown: readonly string[]
  resumed: boolean
}

/** Prints the faults in order, then the checks, then the open questions. */
export async function printVerdict(output: Output, verdict: Verdict): Promise<void> {
  const { faults, count } = verdict
  for (const fault of faults)
    await output.result(
      { kind: 'fault', ...fault },
      () => `${output.paint('red', 'FAULT')}  ${fault.position.padEnd(17)}  ${fault.code.padEnd(20)}  ${fault.message}`,
    )
  if (count > faults.length) await output.forPeople(`and ${(count - faults.length).toLocaleString('en')} more`)
  await output.result(summaryOf(verdict), () => formatVerdict(output, verdict))
}

function summaryOf({
  log: { end, archive, macs, seals, ledger, states, deadlines, jobs, halted },
  readModels,
  faults,
  count,
  unknown,
  resumed,
}: Verdict) {
  const [first] = faults
  return {
    kind: 'summary',
    ok: count === 0,
    faults: count,
    firstFault: first ? { code: first.code, position: first.position } : null,
    events: end.events,
    first: end.first,
    last: end.position,
    chainHead: end.chainHead.toString('hex'),
    archive: archive && { sequence: archive.sequence, position: archive.position, trimmed: archive.trimmed.sequence },
    macs,
    seals,
    ledger: { movements: ledger.movements, sumMicros: Number(ledger.sumMicros) },
    states,
    deadlines,
    jobs,
    readModels: readModels.map((model) =>
      model.state === 'compared' ? { ...model, differences: model.differences.length } : model,
    ),
    halted,
    resumed,
    unknown,
  }
}

function formatVerdict(
  { paint }: Output,
  {
    log: { end, archive, macs, seals, ledger, states, deadlines, jobs, halted },
    readModels,
    faults,
    count,
    unknown,
    resumed,
  }: Verdict,
): string[] {
  const [first] = faults
  const lines = [
    `log          ${number(end.events)} events, ${end.first} to ${end.position}`,
    `hash chain   ${end.chainHead.toString('hex')}`,
    `archive      ${archive ? `${number(archive.sequence)} events, to ${archive.position}; ${number(archive.trimmed.sequence)} of them only there` : 'none'}`,
    `MACs         ${macs ? `${number(macs.genuine)} genuine` : 'not checked'}`,
    `seals        ${number(seals.seals)} in the log under ${seals.keyIds.join(', ') || 'no key'}${seals.newestOutside === null ? '' : `; ${number(seals.outside)} kept outside, to event number ${seals.newestOutside}`}`,
    `ledger       ${number(ledger.movements)} movements, sum over all accounts ${number(Number(ledger.sumMicros))} µ$`,
    `states       ${states ? `${number(states.agree)} agree${states.otherFold > 0 ? `, ${number(states.otherFold)} of another version` : ''}` : 'not compared'}`,
    `deadlines    ${deadlines ? `${number(deadlines.indexed)} indexed` : 'not compared'}`,
    `prompts      ${jobs ? `${number(jobs.open)} not finished` : 'not checked'}`,
    ...readModels.map((model) => `read model   ${model.projection}: ${stateOf(model)}`),
    ...(halted === null
      ? []
      : [
          `halted       ${halted}; ${resumed ? 'it accepts writes again' : 'council audit verify --resume lets it accept writes again, if there is no fault'}`,
        ]),
    ...unknown.map((what) => `not known    ${what}`),
  ]
  const verdict = first
    ? paint('red', `${number(count)} fault${count === 1 ? '' : 's'}, the first at ${first.position}: ${first.code}`)
    : paint('bold', 'no fault')
  return [...lines, verdict]
}

function stateOf(model: ComparedReadModel): string {
  switch (model.state) {
    case 'compared':
      return model.differences.length > 0 ? 'DIFFERS' : `${number(model.rows)} rows agree, at ${model.position}`
    case 'not_built':
      return 'never built'
    case 'other_version':
      return 'built by another version of this program'
    default:
      return model satisfies never
  }
}

const number = (value: number): string => value.toLocaleString('en')
