import { beginning } from '../../events/identifiers.ts'
import type { BudgetTerms, PolicyScope } from '../../events/policy.ts'
import { csvRecord } from '../../platform/csv.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { endOf } from '../../events/log-point.ts'
import { inRange, type Range } from '../range.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { openLogForReading } from '../running-council.ts'
import { demandReader, demandTypes } from './demand.ts'
import { replay, type DayFigures } from './replay.ts'
import { repriced } from './reprice.ts'
import { readPolicies, readPrices } from './what-if-files.ts'

export type SimulateBudgetOptions = Range & { policy?: string; prices?: string; csv?: boolean }

/** A day of a scope as it was, and as it would have been; null where there is no such day. */
type Compared = { day: string; scope: string; recorded: DayFigures | null; simulated: DayFigures | null }

/**
 * `council simulate budget`: replays the recorded demand for model calls against other policies, or at other prices, or both, and
 * compares each day and scope with what happened. Reads the log from its beginning, because budgets have a history, and counts the
 * steps in the range. Writes nothing. Throws CliError `usage` for a file that cannot be used.
 */
export async function simulateBudget(
  { policy, prices, csv = false, ...range }: SimulateBudgetOptions,
  { config, output }: CliContext,
): Promise<number> {
  if (csv && output.json) throw new CliError('usage', 'there is one format: --csv or --json')
  if (policy === undefined && prices === undefined)
    throw new CliError('usage', 'nothing would differ: give --policy, --prices or both')
  const standing: ReadonlyMap<PolicyScope, BudgetTerms> = policy === undefined ? new Map() : readPolicies(policy)
  const newPrices = prices === undefined ? null : readPrices(prices)
  const { take, demand } = demandReader(inRange(range))
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)
  const upTo = range.to ? { upTo: endOf(range.to) } : {}
  for await (const page of log.read({ after: beginning, ...upTo, types: demandTypes }))
    for (const event of page) take(event)

  const { steps, unscaled } = newPrices ? repriced(demand, newPrices) : { steps: demand.steps, unscaled: 0 }
  const simulated = replay(steps, standing)
  const rows = [...new Set([...demand.recorded.keys(), ...simulated.keys()])]
    .map((stream): Compared => {
      const [, scope = '', day = ''] = stream.split('/')
      return { day, scope, recorded: demand.recorded.get(stream) ?? null, simulated: simulated.get(stream) ?? null }
    })
    .toSorted((a, b) => (a.day === b.day ? compareText(a.scope, b.scope) : compareText(a.day, b.day)))

  if (csv) await output.write([Object.keys(csvColumns), ...rows.map(csvFields)].map(csvRecord).join(''))
  else await printDays(output, rows)
  await printTotal(output, rows, unscaled, csv)
  return 0
}

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

async function printDays(output: Output, rows: readonly Compared[]): Promise<void> {
  await output.forPeople(
    output.paint(
      'bold',
      `${'day'.padEnd(10)}  ${'scope'.padEnd(24)}  ${'was'.padStart(6)} ${'calls'.padStart(6)}  ${'was'.padStart(6)} ${'refused'.padStart(7)}  ${'was'.padStart(13)} ${'spent, µ$'.padStart(13)}  throttled from (was)`,
    ),
  )
  for (const row of rows)
    await output.result(
      { kind: 'day', ...row, recorded: figuresOf(row.recorded), simulated: figuresOf(row.simulated) },
      () => {
        const { day, scope, recorded: was, simulated: now } = row
        const pair = (of: (figures: DayFigures) => number, [before, after]: [number, number]) =>
          `${number(was ? of(was) : 0).padStart(before)} ${number(now ? of(now) : 0).padStart(after)}`
        const throttle = `${now?.throttledFrom ?? '-'} (${was?.throttledFrom ?? '-'})`
        return `${day}  ${scope.padEnd(24)}  ${pair(({ calls }) => calls, [6, 6])}  ${pair(({ refused }) => refused, [6, 7])}  ${pair(({ spentMicros }) => spentMicros, [13, 13])}  ${throttle}`
      },
    )
}

/** The day and scope stand next to them. */
function figuresOf(figures: DayFigures | null) {
  if (!figures) return null
  const { scope: _, day: __, ...rest } = figures
  return rest
}

const number = (value: number): string => value.toLocaleString('en')

/** Calls and costs are those of the council, which pays every call; a refusal counts for the scope that refused. */
function totalOf(rows: readonly (DayFigures | null)[]) {
  const all = rows.filter((row) => row !== null)
  const ofCouncil = all.filter(({ scope }) => (scope as string) === 'council')
  const sum = (of: readonly DayFigures[], figure: (row: DayFigures) => number): number =>
    of.reduce((total, row) => total + figure(row), 0)
  return {
    calls: sum(ofCouncil, ({ calls }) => calls),
    refused: sum(all, ({ refused }) => refused),
    spentMicros: sum(ofCouncil, ({ spentMicros }) => spentMicros),
    atMostMicros: sum(ofCouncil, ({ atMostMicros }) => atMostMicros),
  }
}

/** Next to a CSV file it goes to stderr. */
async function printTotal(output: Output, rows: readonly Compared[], unscaled: number, csv: boolean): Promise<void> {
  const recorded = totalOf(rows.map((row) => row.recorded))
  const simulated = totalOf(rows.map((row) => row.simulated))
  const line = (name: string, { calls, refused, spentMicros }: typeof recorded) =>
    `${name}  ${number(calls)} calls, ${number(refused)} refused, ${dollarsAndMicros(spentMicros)}`
  const lines = [
    line('recorded ', recorded),
    output.paint('bold', line('simulated', simulated)),
    ...(simulated.atMostMicros === 0
      ? []
      : [
          `of this at most ${dollarsAndMicros(simulated.atMostMicros)} for calls that were refused, and count with their reservations; further calls of their requests are not known`,
        ]),
    ...(unscaled === 0
      ? []
      : [`${number(unscaled)} reservations keep their amounts: no price of their models is on record`]),
  ]
  if (csv) for (const text of lines) output.note(text)
  else await output.result({ kind: 'total', recorded, simulated, unscaledReservations: unscaled }, () => ['', ...lines])
}

const csvColumns = {
  day: ({ day }) => day,
  scope: ({ scope }) => scope,
  recordedCalls: ({ recorded }) => recorded?.calls ?? null,
  simulatedCalls: ({ simulated }) => simulated?.calls ?? null,
  recordedRefused: ({ recorded }) => recorded?.refused ?? null,
  simulatedRefused: ({ simulated }) => simulated?.refused ?? null,
  recordedThrottledFrom: ({ recorded }) => recorded?.throttledFrom ?? null,
  simulatedThrottledFrom: ({ simulated }) => simulated?.throttledFrom ?? null,
  recordedSpentMicros: ({ recorded }) => recorded?.spentMicros ?? null,
  simulatedSpentMicros: ({ simulated }) => simulated?.spentMicros ?? null,
  simulatedAtMostMicros: ({ simulated }) => simulated?.atMostMicros ?? null,
  recordedDailyMicros: ({ recorded }) => recorded?.terms?.dailyMicros ?? null,
  simulatedDailyMicros: ({ simulated }) => simulated?.terms?.dailyMicros ?? null,
  recordedTimeZone: ({ recorded }) => recorded?.terms?.timeZone ?? null,
  simulatedTimeZone: ({ simulated }) => simulated?.terms?.timeZone ?? null,
} satisfies Record<string, (row: Compared) => string | number | null>

const csvFields = (row: Compared): (string | number | null)[] => Object.values(csvColumns).map((of) => of(row))
