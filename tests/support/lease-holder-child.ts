/**
 * A process that takes the lease of the scheduler and prints `holds <token>`. SIGUSR2 makes it open accounts under that token, as a
 * process does that was stopped between its decision and its append; it then prints `answered <codes>`.
 * Arguments: Redis URL, council id, length of the lease in ms.
 */
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { Principal } from '../../src/events/identifiers.ts'
import { newId, openTestCouncil } from './council.ts'

const [redisUrl = '', councilId = '', lengthMs = ''] = process.argv.slice(2)
const { gate, log } = await openTestCouncil(redisUrl, councilId)
const lease = await log.holdLease({ holder: `child-${process.pid}`, token: null, lengthMs: Number(lengthMs) })
if (!lease.held) throw new Error(`held by ${lease.by}`)
const { token } = lease

process.on('SIGUSR2', () => {
  const context = () => ({ commandId: newId(), principal: Principal.parse('child'), fence: token })
  const asked = Array.from({ length: 200 }, (_, n) =>
    gate.execute(OpenAccount, { account: `agent:stale-${n}` }, context()),
  )
  void Promise.all(asked).then((results) => {
    const codes = results.map((result) => (result.result === 'rejected' ? result.code : result.result))
    console.log(`answered ${[...new Set(codes)].join(', ')}`)
  })
})
console.log(`holds ${token}`)
