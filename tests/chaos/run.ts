import { parseArgs } from 'node:util'
import { makeScratch, removeScratch } from '../support/scratch.ts'
import { startPostgres } from '../support/servers.ts'
import type { Fault } from './harness/fault.ts'
import { faultNamed, faults } from './harness/faults.ts'
import { runRound } from './harness/round.ts'
import { summaryTable, type Round } from './harness/summary.ts'

/**
 * The long form of the chaos tests: `npm run chaos -- --rounds 40 --seed 7 --fault all`. Every round starts a council
 * under load, injects one fault `--times` times, and checks the result. `--fault` is a name, several names with commas,
 * `all` (one per round, in turn) or `mixed` (four per round, chosen by the seed). Exits with 1 on any violation, and
 * prints the command that repeats the round.
 */
const usage = `npm run chaos -- [--rounds 40] [--seed 1] [--times 2] [--fault all]
faults: all, mixed, ${faults.map(({ name }) => name).join(', ')}`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    times: { type: 'string', default: '2' },
    fault: { type: 'string', default: 'all' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const [rounds, firstSeed, times] = [Number(values.rounds), Number(values.seed), Number(values.times)]
const mixedFaults = 4

/** The faults of a round, with a name for them; the seed chooses those of `mixed` rounds. */
function plan(index: number, seed: number): { name: string; strikes: Fault[] } {
  if (values.fault === 'mixed')
    return {
      name: 'mixed',
      strikes: Array.from({ length: mixedFaults }, (_, at) => faults[(seed * 7 + at * 5) % faults.length] as Fault),
    }
  const chosen = values.fault === 'all' ? faults : values.fault.split(',').map(faultNamed)
  const one = chosen[index % chosen.length] as Fault
  return { name: one.name, strikes: Array.from({ length: times }, () => one) }
}

const scratch = await makeScratch()
process.env['TMPDIR'] = scratch
const postgres = await startPostgres()
const done: Round[] = []
try {
  for (let index = 0; index < rounds; index++) {
    const seed = firstSeed + index
    const { name, strikes } = plan(index, seed)
    const startedMs = performance.now()
    const result = await runRound(postgres.url, seed, strikes).catch((error: unknown) => ({
      violations: [{ kind: 'round failed', what: String(error) }],
      calls: { ok: 0, refused: 0, rejected: 0, unknown: 0 },
      events: 0,
    }))
    done.push({ fault: name, ...result })
    const { ok, refused, rejected, unknown } = result.calls
    console.log(
      `round ${index + 1} seed ${seed} ${name.padEnd(16)} ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ok ${ok} refused ${refused} rejected ${rejected} unknown ${unknown} events ${result.events}  violations ${result.violations.length}`,
    )
    for (const { kind, what } of result.violations.slice(0, 10)) console.log(`  ${kind}: ${what}`)
    if (result.violations.length > 0)
      console.log(`  repeat: npm run chaos -- --rounds 1 --seed ${seed} --times ${times} --fault ${name}`)
  }
} finally {
  // Its data is no longer needed, so it is killed before it writes it to disk.
  await postgres.kill()
  await postgres.stop()
  await removeScratch(scratch)
}
console.log(`\n${summaryTable(done)}`)
process.exitCode = done.length < rounds || done.some(({ violations }) => violations.length > 0) ? 1 : 0
