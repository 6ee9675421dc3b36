/**
 * A process with a gate and clients that send it a mixed load. Prints `ready`, `answered <n>` after every tenth answer,
 * `stopped <code>` once the log may not be written any more. SIGUSR2 makes its clock jump; SIGTERM lets the clients
 * finish and ends it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Principal } from '../../../src/events/identifiers.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { openTestCouncil } from '../../support/council.ts'
import { childOptions } from './child-options.ts'
import { recorded } from './history.ts'
import { setUpCommands, mixedLoad, type LoadCommand } from './load.ts'
import { seeded } from './random.ts'

const clients = 6
const maxTries = 6
const indefinite: ReadonlySet<string> = new Set(['outcome_unknown', 'log_unavailable', 'overloaded'])

const { name, redisUrl, councilId, historyFile, seed, begins } = childOptions()
const random = seeded(seed)
let jumpedMs = 0
process.on('SIGUSR2', () => {
  jumpedMs += random.pick([-1, 1]) * random.between(60_000, 7_200_000)
  console.log(`jumped to ${jumpedMs}`)
})
let leaving = false
process.on('SIGTERM', () => (leaving = true))

const clock = { nowMs: () => systemClock.nowMs() + jumpedMs }
// One command is worth an append of its own, so that appends overlap although clients are few.
const council = await openTestCouncil(redisUrl, councilId, { clock, minPipelined: random.pick([1, 32]) })
const gate = recorded(council.gate, historyFile, name)
const stopTail = new AbortController()
// As every process of a council has it: what it reads it knows to be in the log.
const tail = (async () => {
  for await (const _ of council.log.follow(await council.log.head(), stopTail.signal)) continue
})()

let answers = 0
let isStopped = false

/** Sends a command under the same id until there is an answer, or gives up. */
async function insist({ execute }: LoadCommand, principal: Principal): Promise<void> {
  for (let tries = 0; tries < maxTries; tries++) {
    const result = await execute(gate, principal)
    if (result.result === 'rejected' && indefinite.has(result.code)) continue
    if (result.result === 'rejected' && result.code === 'log_stopped') isStopped = true
    else if (++answers % 10 === 0) console.log(`answered ${answers}`)
    return
  }
}

async function client(number: number): Promise<void> {
  const own = seeded(seed + 1000 * (number + 1))
  const next = mixedLoad(own, clock.nowMs)
  const principal = Principal.parse(`${name}-client-${number}`)
  while (!leaving && !isStopped) {
    await insist(next(), principal)
    // A client thinks; what is tried here is not the speed.
    await pause(own.between(5, 40))
  }
}

if (begins) for (const command of setUpCommands()) await insist(command, Principal.parse(`${name}-owner`))
console.log('ready')
const alive = setInterval(() => undefined, 60_000)
await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
const stopped = council.gate.stoppedBy()
if (isStopped) console.log(stopped?.message ?? '')
if (isStopped) console.log(`stopped ${stopped?.code ?? ''}`)
while (!leaving) await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
clearInterval(alive)
stopTail.abort()
await tail.catch(() => undefined)
council.close()
console.log('done')
