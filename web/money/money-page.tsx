import { useEffect } from 'preact/hooks'
import { Accounts } from './accounts.tsx'
import { Budgets } from './budgets.tsx'
import { Costs } from './costs.tsx'
import { loadMoney } from './figures.ts'

/** Today's budgets, the costs of a period by any grouping, and every account with its statement. */
export function MoneyPage() {
  useEffect(() => void loadMoney(), [])
  return (
    <div class="page">
      <header class="page-head">
        <h1>Money</h1>
      </header>
      <div class="panels">
        <Budgets />
        <Costs />
        <Accounts />
      </div>
    </div>
  )
}
