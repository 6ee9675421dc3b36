import { useState } from 'preact/hooks'
import { EventLink } from '../shell/event-link.tsx'
import { dollars } from '../shell/money.ts'
import { accounts, statementOf, type AccountRow } from './figures.ts'
import { Panel } from '../shell/panel.tsx'

/** Every account. Its balance opens to the entries that it comes from. */
export function Accounts() {
  return (
    <Panel
      title="Accounts"
      file="/v1/treasury/accounts?format=csv&limit=1000"
      rows={accounts}
      nothing="No account is open yet."
    >
      {(rows) => inOrder(rows).map((row) => <Account key={row.account} {...row} />)}
    </Panel>
  )
}

/** The council's own accounts, then those of agents, then those of bounties. */
const inOrder = (rows: readonly AccountRow[]): readonly AccountRow[] => {
  const rankOf = ({ account }: AccountRow): number =>
    ['reserve', 'spend', 'external', 'overrun'].indexOf(account) + 1 || (account.startsWith('agent:') ? 5 : 6)
  return rows.toSorted((a, b) => rankOf(a) - rankOf(b))
}

function Account({ account, status, balanceMicros, reservedMicros }: AccountRow) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details class="account" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span>{account}</span>
        {status === 'frozen' ? <span class="bad">frozen</span> : null}
        {reservedMicros > 0 ? <span class="quiet">{dollars(reservedMicros)} reserved</span> : null}
        <strong>{dollars(balanceMicros)}</strong>
      </summary>
      {isOpen ? <Statement account={account} /> : null}
    </details>
  )
}

function Statement({ account }: { account: string }) {
  const loaded = statementOf(account).value
  if (loaded.state === 'loading') return <p class="quiet small">Loading…</p>
  if (loaded.state === 'failed') return <p class="bad small">{loaded.why}</p>
  const { entries } = loaded.value
  if (entries.length === 0) return <p class="quiet small">Nothing has moved.</p>
  return (
    <>
      <div class="scrolls" tabIndex={0} role="region" aria-label={`statement of ${account}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">amount</th>
              <th scope="col">balance</th>
              <th scope="col">from or to</th>
              <th scope="col">reason</th>
              <th scope="col">event</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.position}>
                <th scope="row">{new Date(entry.occurredAt).toLocaleString()}</th>
                <td class={entry.amountMicros < 0 ? 'bad' : 'good'}>{signed(entry.amountMicros)}</td>
                <td>{dollars(entry.balanceMicros)}</td>
                <td>{entry.counterparties.join(', ')}</td>
                <td class="reason">{entry.reason}</td>
                <td class="position">
                  <EventLink position={entry.position} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="small">
        <a href={`/v1/treasury/accounts/${encodeURIComponent(account)}/entries?format=csv&limit=1000`} download>
          The newest 1,000 entries as CSV
        </a>
      </p>
    </>
  )
}

const signed = (micros: number): string => (micros < 0 ? dollars(micros) : `+${dollars(micros)}`)
